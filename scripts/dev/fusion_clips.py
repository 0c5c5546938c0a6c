"""Clips as windows of low-resolution frames, and the frames that they came from.

A window never looks across a scene cut or beyond the clip; it repeats the last frame before it instead.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.evaluation.video import compressed, open_clip, reduced
from vs_espcn.training.data.kernels import KERNELS

Codes = NDArray[np.uint8]

CUT = 40
"""Mean absolute difference of two frames, in codes, from which they count as two scenes."""

_BLOCK = 8  # MVTools' blocks, with half of one as overlap


@dataclass(frozen=True, kw_only=True)
class Source:
    """What made the low resolution.

    Attributes:
        name: What the table calls it.
        kernel: A key of ``KERNELS``.
        noise: σ in codes of noise that is added to the low resolution.
        rate: x264's crf; None without a coder.
    """

    name: str
    kernel: str = "box"
    noise: float = 0.0
    rate: int | None = None


SOURCES = {
    source.name: source
    for source in (
        Source(name="clean"),
        Source(name="noisy", noise=4.0),
        Source(name="coded", rate=23),
    )
}


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows of a clip.

    Attributes:
        high: uint8 (count, scale·H, scale·W), the frames in the middle of each window.
        low: uint8 (count, frames, H, W), the frames around each, aligned or not.
    """

    high: Codes
    low: Codes


def neighbours(frames: Codes, reach: int) -> NDArray[np.int64]:
    """For each frame, which frames make its window.

    Args:
        frames: uint8 (count, H, W).
        reach: Frames to each side.

    Returns:
        (count, 2·reach + 1); at cuts and ends the last frame of the same scene is repeated.
    """
    count = len(frames)
    changes = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean((1, 2)) > CUT
    scene = np.concatenate([[0], np.cumsum(changes)])
    first = np.searchsorted(scene, scene, "left")
    last = np.searchsorted(scene, scene, "right") - 1
    wanted = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    chosen: NDArray[np.int64] = np.clip(wanted, first[:, None], last[:, None])
    return chosen


@cache
def read_frames(path: Path, source: Source, *, scale: int, count: int) -> tuple[Codes, Codes]:
    """Read a clip's first frames at half their size, which removes the traces of the clip's own coder.

    Args:
        path: A video file.
        source: What makes the low resolution.
        scale: Integer scale.
        count: How many frames; a shorter clip gives all that it has.

    Returns:
        High resolution, uint8 (count, scale·H, scale·W), and low resolution, uint8 (count, H, W).

    Raises:
        InputError: The file is not a usable video.
    """
    clip = open_clip(path, count)
    unit = 2 * scale
    sides = (clip.width // 2 // unit * unit, clip.height // 2 // unit * unit)
    truth = vs.core.resize.Bicubic(clip, *sides)
    low = reduced(truth, scale, KERNELS[source.kernel])
    with tempfile.TemporaryDirectory(prefix="fusion-") as folder:
        if source.rate is not None:
            low = compressed(low, source.rate, Path(folder) / "low.mkv")
        codes = _luma(low)
    if source.noise:
        noise = np.random.default_rng(0).normal(0, source.noise, codes.shape)
        codes = np.clip(np.rint(codes + noise), 0, 255).astype(np.uint8)
    return _luma(truth), codes


@cache
def read_windows(path: Path, source: Source, *, scale: int, count: int, reach: int, align: bool) -> Windows:
    """Make windows of a clip's first frames.

    Args:
        path: A video file.
        source: What makes the low resolution.
        scale: Integer scale.
        count: How many frames; a shorter clip gives all that it has.
        reach: Frames to each side of the middle one.
        align: Whether to move neighbours onto the middle frame by MVTools.

    Raises:
        InputError: The file is not a usable video.
    """
    high, codes = read_frames(path, source, scale=scale, count=count)
    chosen = neighbours(codes, reach)
    return Windows(high=high, low=align_windows(codes, chosen) if align else codes[chosen])


def align_windows(frames: Codes, chosen: NDArray[np.int64]) -> Codes:
    """Windows whose neighbours are moved onto the middle frame by MVTools.

    Args:
        frames: uint8 (count, H, W).
        chosen: What ``neighbours`` gives.
    """
    if not hasattr(vs.core, "mv"):
        raise SystemExit("VapourSynth has no plugin 'mv'; install vapoursynth-mvtools")
    aligned = frames[chosen]
    middle = chosen.shape[1] // 2
    for place in range(chosen.shape[1]):
        if place == middle or len(frames) == 1:
            continue
        # Two clips in turn, so that each even frame's neighbour is the frame in its window.
        pairs = np.stack([frames, aligned[:, place]], 1).reshape(-1, *frames.shape[1:])
        aligned[:, place] = _compensate(pairs)[::2]
    return aligned


def _compensate(pairs: Codes) -> Codes:
    """Each frame as the next one shows it."""
    clip = as_clip(pairs)
    levels = vs.core.mv.Super(clip, pel=2, hpad=_BLOCK, vpad=_BLOCK)
    vectors = vs.core.mv.Analyse(levels, isb=True, delta=1, blksize=_BLOCK, overlap=_BLOCK // 2)
    return _luma(vs.core.mv.Compensate(clip, levels, vectors))


def as_clip(frames: Codes) -> vs.VideoNode:
    """A GRAY8 clip that holds frames, uint8 (count, H, W)."""
    count, height, width = frames.shape
    blank = vs.core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=count, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), frames[n])
        return frame

    return vs.core.std.ModifyFrame(blank, blank, fill)


def _luma(clip: vs.VideoNode) -> Codes:
    """All frames' first planes."""
    return np.stack([np.array(frame[0]) for frame in clip.frames(close=True)])


class Patches:
    """Draws random patches of windows, the same ones for each network."""

    def __init__(self, windows: Sequence[Windows], *, size: int, batch: int) -> None:
        """Take windows of a number of clips.

        Args:
            windows: One of each clip.
            size: Height and width of a patch at low resolution.
            batch: Patches at once.
        """
        self._windows, self._size, self._batch = windows, size, batch
        self._random = np.random.default_rng(0)

    def draw(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Low (batch, frames, size, size) and high (batch, 1, scale·size, scale·size), code / 255."""
        lows, highs = [], []
        for _ in range(self._batch):
            clip = self._windows[self._random.integers(len(self._windows))]
            low = clip.low
            scale = clip.high.shape[1] // low.shape[2]
            number = self._random.integers(len(low))
            top, left = (self._random.integers(side - self._size + 1) for side in low.shape[2:])
            lows.append(low[number, :, top : top + self._size, left : left + self._size])
            rows, columns = (slice(scale * at, scale * (at + self._size)) for at in (top, left))
            highs.append(clip.high[number, None, rows, columns])
        return np.stack(lows).astype(np.float32) / 255, np.stack(highs).astype(np.float32) / 255
