"""Memory limits: flat memory in long runs, and frames that fit.

On Linux, VapourSynth takes every frame straight from ``malloc``. glibc serves
large blocks by ``mmap`` and gives them back at once, but raises its limit for
"large" with each that is freed, up to 32 MB: from then on frames come from
heaps that fragment and grow without end (hundreds of MB per thousand frames
where the resizer works on two planes at once). Planes below that limit are
made by one thread and freed by another, so that the heap of each thread
fragments (16 MB per thousand frames of 160×96, in four runs of five): all
threads therefore share one.
"""

import ctypes
import sys
from functools import cache

import vapoursynth as vs

from vs_espcn.errors import InputError

_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD = 32 * 1024  # below the planes of a small clip; glibc's own first limit is 128 KiB
_M_ARENA_MAX = -8
_ARENAS = 1


@cache
def keep_heap_flat() -> None:
    """Limit glibc to one heap and a low threshold for ``mmap``; does nothing on other systems.

    Affects the whole process: blocks of 32 KiB and more go back to the system
    when they are freed, and threads that begin to allocate from now on take
    smaller ones from the same heap.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)
        mallopt(_M_ARENA_MAX, _ARENAS)


def check_fits(video: vs.VideoFormat, width: int, height: int) -> None:
    """Check that one frame fits in VapourSynth's memory limit.

    Args:
        video: Format of the frame; its first plane counts.
        width: Width of the largest frame on the way.
        height: Its height.

    Raises:
        InputError: The frame takes more than ``core.max_cache_size``.
    """
    needed_mb = width * height * video.bytes_per_sample / 2**20
    if needed_mb > vs.core.max_cache_size:
        raise InputError(
            f"one upscaled frame of {width}x{height} takes {needed_mb:.0f} MB, and core.max_cache_size is "
            f"{vs.core.max_cache_size} MB; use a smaller scale, crop the clip, or raise core.max_cache_size"
        )
