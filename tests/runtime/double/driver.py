"""The double of the CUDA driver from Python: what it counted, and what it is told to do."""

import ctypes
from functools import cache


@cache
def libcuda() -> ctypes.CDLL:
    """The double, which must have been put on the loader's path."""
    library = ctypes.CDLL("libcuda.so.1")
    library.double_get.restype = ctypes.c_long
    library.double_set.argtypes = [ctypes.c_char_p, ctypes.c_long]
    return library


def get(name: str) -> int:
    return int(libcuda().double_get(name.encode()))


def set_(name: str, value: int) -> None:
    libcuda().double_set(name.encode(), value)
