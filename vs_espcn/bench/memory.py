"""Memory of a long run."""

import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from vs_espcn.bench.cpu import UpscaleCase, source_clip
from vs_espcn.filter.upscale import upscale
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import Backend


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak resident memory of this process, in MB, early and late in a long run."""

    scale: int
    early_frame: int
    early_mb: float
    last_frame: int
    last_mb: float


_EARLY = 200
"""Frame at which the first figure is taken: all buffers are there by then."""


def soak(scales: Sequence[int], backend: Backend, *, frames: int) -> list[Memory]:
    """Run the whole filter for long and take its peak memory early and at the end.

    Args:
        scales: Scales of the network; each runs in a process of its own, whose peak is its own.
        backend: Where and how the network runs.
        frames: Length of a run.

    Raises:
        InputError: The network lacks one of the scales.
        vs.Error: A frame could not be made.
    """
    for scale in scales:
        registry.find("espcn", scale)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return list(pool.map(partial(_soak, backend=backend, frames=frames), scales))


def _soak(scale: int, *, backend: Backend, frames: int) -> Memory:
    early_frame = max(1, min(_EARLY, frames // 2))
    clip = upscale(source_clip(UpscaleCase(scale=scale), frames), scale, backend=backend)
    early = 0.0
    for number, _ in enumerate(clip.frames(close=True), start=1):
        if number == early_frame:
            early = _peak_mb()
    return Memory(scale=scale, early_frame=early_frame, early_mb=early, last_frame=frames, last_mb=_peak_mb())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
