"""The double of the CUDA driver from Python: what it counted, and what it is told to do.

With the real driver in its place a kernel is a copy on the GPU, so that the
fake of TensorRT shows there who owns what and what can be recorded.
"""

import ctypes
from collections.abc import Callable, Mapping
from functools import cache


@cache
def libcuda() -> ctypes.CDLL:
    """The double, which must have been put on the loader's path."""
    library = ctypes.CDLL("libcuda.so.1")
    library.double_get.restype = ctypes.c_long
    library.double_set.argtypes = [ctypes.c_char_p, ctypes.c_long]
    library.double_hold.restype = ctypes.c_void_p
    library.double_drop.argtypes = [ctypes.c_void_p]
    return library


def get(name: str) -> int:
    return int(libcuda().double_get(name.encode()))


def set_(name: str, value: int) -> None:
    libcuda().double_set(name.encode(), value)


@cache
def is_real() -> bool:
    return not hasattr(ctypes.CDLL("libcuda.so.1"), "double_get")


def is_capturing(stream: int) -> bool:
    if not is_real():
        return bool(libcuda().double_is_capturing(ctypes.c_void_p(stream)))
    from cuda.bindings import driver  # noqa: PLC0415 - only here

    return bool(driver.cuStreamIsCapturing(stream)[1])


def kernel(stream: int, function: Callable[..., None], used: Mapping[int, int]) -> bool:
    """Put a function on a stream that works on device memory, sizes by their addresses.

    Args:
        stream: Its handle.
        function: Called when the work is done.
        used: Of the input, the output and others, in this order. A real GPU copies the input to the
            output instead.
    """
    if is_real():
        from cuda.bindings import driver  # noqa: PLC0415 - only here

        (source, nbytes), (target, _), *_ = used.items()
        return driver.cuMemcpyDtoDAsync(target, source, nbytes, stream)[0] == 0
    addresses = (ctypes.c_uint64 * len(used))(*used)
    sizes = (ctypes.c_uint64 * len(used))(*used.values())
    code = libcuda().double_kernel(ctypes.c_void_p(stream), function, len(used), addresses, sizes)
    return bool(code == 0)


class Held:
    """A library's object, which needs the context that it was made in until it goes."""

    def __init__(self) -> None:
        self._held = None if is_real() else libcuda().double_hold()

    def __del__(self) -> None:
        if self._held is not None:
            libcuda().double_drop(self._held)
