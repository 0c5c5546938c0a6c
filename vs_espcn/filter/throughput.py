"""The frame rate of a clip on this machine, measured once and cached."""

import hashlib
import json
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path

import vapoursynth as vs

from vs_espcn.cache_folder import CACHED_MODE, cache_dir, open_cached
from vs_espcn.file_writing import replace_file
from vs_espcn.filter.options import Tile
from vs_espcn.filter.target_size import UpscaleSteps
from vs_espcn.runtime.backends import Backend, OpenVINO
from vs_espcn.runtime.default_backend import probe
from vs_espcn.runtime.hardware import package_versions, processor
from vs_espcn.runtime.precision import network_for

_SECONDS = 0.25
"""Long enough for a rate within 10 % of a long run's."""


def endless_clip(clip: vs.VideoNode) -> vs.VideoNode:
    """Return an endless clip of the same format, size and properties: one frame, repeated at no cost."""
    blank = vs.core.std.BlankClip(clip, length=1 << 20, keep=True)
    return vs.core.std.CopyFrameProps(blank, clip[0])


def frame_rate(clip: vs.VideoNode) -> float:
    """Measure a clip's frames per second with all threads busy, excluding the start.

    Args:
        clip: Long enough, as those made from `endless_clip` are.

    Raises:
        vs.Error: A frame could not be made.
    """
    position = 0

    def seconds(frames: int) -> float:
        nonlocal position
        start = time.perf_counter()
        for _ in clip[position : position + frames].frames(close=True):
            pass
        position += frames
        return time.perf_counter() - start

    batch = vs.core.num_threads
    frames = batch * max(1, round(_SECONDS / seconds(batch)))
    return float(frames / seconds(frames))


def conditions(
    clip: vs.VideoNode, steps: UpscaleSteps, backend: Backend, *, chroma: str, tile: Tile | None
) -> Hashable:
    """Return everything that the frame rate of an upscaled clip depends on.

    Args:
        clip: Of constant format and size.
        steps: How it is upscaled.
        backend: Where the networks run; present here.
        chroma: Kernel of the chroma planes.
        tile: Size of the tiles, or None.
    """
    networks = (network_for(step, backend).SerializeToString(deterministic=True) for step in steps.steps)
    return (
        processor() if isinstance(backend, OpenVINO) else probe(backend),
        tuple(package_versions().items()),
        repr(backend),
        vs.core.num_threads,
        chroma,
        (clip.format.name, clip.width, clip.height, steps.width, steps.height, tile),
        tuple(hashlib.sha256(network).hexdigest() for network in networks),
    )


def remembered(under: Hashable, measure: Callable[[], float]) -> float:
    """Return a rate from the cache, or measure and store it.

    Rates are stored in ``speeds.json`` in the user's cache folder. They spare
    each further load of a script the measurement of a second or more, and keep
    its network the same.

    Args:
        under: Everything that the rate depends on; its `repr` is the key.
        measure: Measures it.
    """
    key = hashlib.sha256(repr(under).encode()).hexdigest()[:32]
    figure = _figures().get(key)
    if figure is None:
        figure = measure()
        _keep(key, figure)
    return figure


def _file() -> Path:
    return cache_dir() / "speeds.json"


def _figures() -> dict[str, float]:
    try:
        with open_cached(_file()) as file:
            found = json.load(file)
    except (OSError, ValueError):  # ValueError covers an untrusted file
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: figure for key, figure in found.items() if isinstance(figure, float)}


def _keep(key: str, figure: float) -> None:
    """Store a rate; if that fails, the rate is measured again the next time."""
    with suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        replace_file(_file(), json.dumps(_figures() | {key: figure}).encode(), mode=CACHED_MODE)
