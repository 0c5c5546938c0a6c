"""Frames for a pipe: requested ahead, and written without a copy."""

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from itertools import islice

import numpy as np
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.variable_format import is_varying

_FRAMES_AHEAD = 2
"""Frames requested beyond one per thread, so that no thread waits for a frame to be written."""


def check_constant(clip: vs.VideoNode) -> None:
    """Check that a pipe can carry a clip.

    Raises:
        InputError: The clip's format or size varies.
    """
    if is_varying(clip):
        raise InputError(
            "the clip's format or size varies, which no pipe into ffmpeg can carry; make it constant first, "
            "for example with resize.Spline36(width=…, height=…, format=…)"
        )


def check_frame_rate(clip: vs.VideoNode) -> None:
    """Check that a clip has a constant frame rate.

    Raises:
        InputError: It has none.
    """
    if not clip.fps:
        raise InputError(
            "the clip has no constant frame rate, and y4m carries no timestamps; "
            "give it one first, for example with std.AssumeFPS(fpsnum=24000, fpsden=1001)"
        )


def frames_in_order(clip: vs.VideoNode) -> Generator[vs.VideoFrame]:
    """Yield all frames in order, with the next ones requested ahead; each is valid until the next.

    Closing it waits for requested frames: an interpreter that exits while
    VapourSynth's threads run can hang.
    """
    ahead: deque[Future[vs.VideoFrame]] = deque()
    numbers = iter(range(clip.num_frames))
    try:
        for number in islice(numbers, vs.core.num_threads + _FRAMES_AHEAD):
            ahead.append(clip.get_frame_async(number))
        while ahead:
            with ahead[0].result() as frame:
                ahead.popleft()
                ahead.extend(clip.get_frame_async(number) for number in islice(numbers, 1))
                yield frame
    finally:
        wait(ahead)


def packed(plane: memoryview) -> memoryview:
    """Return the plane's bytes without padding; without a copy if it has none."""
    if not plane.c_contiguous:
        plane = memoryview(np.ascontiguousarray(plane))
    return plane.cast("B")


def write_all(fd: int, buffers: Sequence[memoryview]) -> None:
    """Write all buffers, in order, to an open, blocking file descriptor."""
    for buffer in buffers:
        rest = buffer
        while rest:
            rest = rest[os.write(fd, rest) :]
