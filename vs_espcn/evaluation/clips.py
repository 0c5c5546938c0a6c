"""Convert between luma arrays and VapourSynth clips."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.errors import InputError
from vs_espcn.filter.vs_errors import last_line

Luma = NDArray[np.uint8]
"""8-bit luma codes, (height, width)."""


@contextmanager
def measuring(what: object) -> Iterator[None]:
    """Raise VapourSynth's errors as this package's.

    Args:
        what: The image or clip that is being measured.

    Raises:
        InputError: VapourSynth could not make a clip or a frame.
    """
    try:
        yield
    except vs.Error as error:
        raise InputError(f"{what} cannot be measured: {last_line(error)}") from error


def to_clip(luma: Luma) -> vs.VideoNode:
    """Return a GRAY8 clip with `luma` as its only frame."""
    height, width = luma.shape
    frame = vs.core.create_video_frame(vs.core.get_video_format(vs.GRAY8), width, height)
    np.copyto(np.asarray(frame[0]), luma)
    blank = vs.core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=1)
    return vs.core.std.ModifyFrame(blank, blank, lambda n, f: frame)  # noqa: ARG005 - VapourSynth's names


def first_luma(clip: vs.VideoNode) -> Luma:
    """Return a copy of the first frame's first plane."""
    with clip.get_frame(0) as frame:
        return np.array(frame[0])


def through_arrays(clip: vs.VideoNode, scale: int | Fraction, resize: Callable[[Luma], Luma]) -> vs.VideoNode:
    """Resize a GRAY8 clip with a function that works on arrays.

    Args:
        clip: GRAY8.
        scale: Factor by which `resize` multiplies both sides; the results must be whole numbers.
        resize: uint8 (H, W) → uint8 (scale·H, scale·W).

    Returns:
        GRAY8, with the frame properties of `clip`.
    """

    def resize_frame(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # noqa: ARG001 - VapourSynth's names
        target = vs.core.create_video_frame(f.format, int(f.width * scale), int(f.height * scale))
        target.props.update(f.props)
        np.copyto(np.asarray(target[0]), resize(np.asarray(f[0])))
        return target

    blank = vs.core.std.BlankClip(
        clip, width=int(clip.width * scale), height=int(clip.height * scale), keep=True
    )
    return vs.core.std.ModifyFrame(blank, clip, resize_frame)
