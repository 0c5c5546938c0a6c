"""CUDA's driver API, and the GPUs that it finds.

Every call goes through `call`, which turns an error code into a `BackendError`.
"""

import os
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint

try:
    from cuda.bindings import driver as driver  # noqa: PLC0414 - for `cuda_resources`, too
except ImportError as error:
    raise RuntimeMissingError(
        f"cannot import cuda.bindings: {error}; {extra_hint('tensorrt-rtx')}"
    ) from error

_MAJOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
_MINOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR


class OutOfMemoryError(BackendError):
    """The GPU, or the computer for pinned memory, has none left."""


def call(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - the driver's own types
    """Call a function of the driver API.

    Args:
        function: One of `cuda.bindings.driver`.
        arguments: Its arguments.

    Returns:
        Its results: None, the only one, or a tuple.

    Raises:
        BackendError: It returned an error; `OutOfMemoryError` if it was of memory.
    """
    try:
        code, *results = function(*arguments)
    except RuntimeError as error:  # from cuda.bindings, of a function that the driver does not have
        raise BackendError(f"CUDA: {error}; update the driver") from error
    if code != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(code)
        reason = text.decode() if text else "no description"
        kind = OutOfMemoryError if code == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY else BackendError
        raise kind(f"CUDA: {function.__name__} failed: {reason} ({code.name})")
    return results[0] if len(results) == 1 else tuple(results) or None


def check_driver() -> None:
    """Let a machine with an NVIDIA driver and a GPU pass; touches no GPU.

    Raises:
        RuntimeMissingError: There is no driver.
        BackendError: It finds no GPU.
    """
    try:
        driver.cuDriverGetVersion()
    except RuntimeError:
        raise RuntimeMissingError(
            "no NVIDIA driver was found (libcuda.so.1); install one, or use the backend 'openvino'"
        ) from None
    if driver.cuInit(0)[0] == driver.CUresult.CUDA_ERROR_NO_DEVICE:
        raise BackendError("the NVIDIA driver finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES")
    call(driver.cuInit, 0)


def check_driver_version(least: int) -> None:
    """Let a driver pass that is new enough.

    Args:
        least: CUDA's major version that a library is built for.

    Raises:
        BackendError: There is no driver or GPU, or the driver is too old.
    """
    check_driver()
    version = call(driver.cuDriverGetVersion)
    if version < least * 1000:
        raise BackendError(
            f"the NVIDIA driver is too old: it supports CUDA {_dotted(version)}, needed is {least}.0 or "
            "newer; update the driver"
        )


@cache
def open_device(index: int) -> "Device":
    """A GPU, the same object for the whole process.

    Args:
        index: Its number, from 0.

    Raises:
        BackendError: There is no usable driver or no such GPU.
    """
    check_driver()
    return Device(index)


class Device:
    """One GPU and its primary context.

    The context is made when it is first needed and stays until the process
    ends: libraries' objects on the GPU need it for as long as they live.
    """

    def __init__(self, index: int) -> None:
        """Look the GPU up; see `open_device`."""
        count = call(driver.cuDeviceGetCount)
        if not 0 <= index < count:
            raise BackendError(_no_such_gpu(index, count))
        self._handle = call(driver.cuDeviceGet, index)
        self.index = index
        self.name: str = call(driver.cuDeviceGetName, 128, self._handle).split(b"\0")[0].decode()
        self.compute_capability: tuple[int, int] = (
            call(driver.cuDeviceGetAttribute, _MAJOR, self._handle),
            call(driver.cuDeviceGetAttribute, _MINOR, self._handle),
        )
        self._context: Any = None
        self._making = Lock()

    def __str__(self) -> str:
        return f"GPU {self.index} ({self.name})"

    @property
    def capability(self) -> str:
        """Compute capability as people write it, for example ``"8.9"``."""
        return ".".join(map(str, self.compute_capability))

    def make_current(self) -> None:
        """Direct this thread's CUDA calls to this GPU.

        Raises:
            BackendError: It has failed, or another process holds it.
        """
        # Without the lock where the context is there: a garbage collection in any thread, in this one while
        # it holds the lock too, may close what is on the GPU.
        if self._context is None:
            with self._making:
                if self._context is None:
                    self._context = self._retain()
        call(driver.cuCtxSetCurrent, self._context)

    def free_memory(self) -> int:
        """Free memory of the GPU, in bytes."""
        self.make_current()
        free, _ = call(driver.cuMemGetInfo)
        return int(free)

    def _retain(self) -> Any:  # noqa: ANN401 - the driver's own type
        code, context = driver.cuDevicePrimaryCtxRetain(self._handle)
        if code == driver.CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE:
            raise BackendError(
                f"{self} is held by another process in exclusive mode; wait until that ends, use another "
                "GPU, or allow several processes (nvidia-smi -c DEFAULT)"
            )
        return context if code == driver.CUresult.CUDA_SUCCESS else call(lambda: (code, context))


def _no_such_gpu(index: int, count: int) -> str:
    """Why a number is none of a GPU's."""
    present = "present is 0" if count == 1 else f"present are 0 to {count - 1}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
    # CUDA shows a process one slice, whatever is listed.
    slices = "; of the slices of a GPU (MIG) a process sees one" if "MIG-" in (visible or "") else ""
    return f"there is no GPU {index}; {present}{chosen}{slices}"


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
