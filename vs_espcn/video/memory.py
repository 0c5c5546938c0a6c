"""Keep a long run's memory flat.

On Linux, VapourSynth takes every frame straight from ``malloc``. glibc serves
large blocks by ``mmap`` and gives them back at once, but raises its limit for
"large" after the first of them is freed, up to 32 MB: from then on frames come
from heaps that fragment and grow without end (several hundred MB per thousand
frames where the resizer works on two planes at once).
"""

import ctypes
import sys
from functools import cache

_M_MMAP_THRESHOLD = -3
_DEFAULT_MMAP_THRESHOLD = 128 * 1024


@cache
def keep_heap_flat() -> None:
    """Hold glibc's limit for ``mmap`` at its default; does nothing on other systems.

    Affects the whole process: blocks of 128 KiB and more go back to the
    system when they are freed.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _DEFAULT_MMAP_THRESHOLD)
