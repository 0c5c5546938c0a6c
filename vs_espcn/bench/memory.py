"""Memory of a long run."""

import resource
from dataclasses import dataclass

from vs_espcn.bench.cpu import Case, source_clip
from vs_espcn.runtime.base import Backend
from vs_espcn.video.upscale import upscale


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak resident memory of this process, in MB, early and late in a long run."""

    scale: int
    early_frame: int
    early_mb: float
    last_frame: int
    last_mb: float


def soak(scale: int, backend: Backend, *, frames: int, early_frame: int = 200) -> Memory:
    """Run the whole filter for long and take its peak memory early and at the end.

    Args:
        scale: Scale of the network.
        backend: Where and how the network runs.
        frames: Length of the run.
        early_frame: Where the first figure is taken.
    """
    clip = upscale(source_clip(Case(scale=scale), frames), scale, backend=backend)
    early = 0.0
    for number, _ in enumerate(clip.frames(close=True), start=1):
        if number == early_frame:
            early = _peak_mb()
    return Memory(scale=scale, early_frame=early_frame, early_mb=early, last_frame=frames, last_mb=_peak_mb())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
