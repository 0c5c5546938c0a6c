"""CUDA's driver API: one GPU, its memory, streams, events and graphs.

Every call goes through `call`, which turns an error code into a
`BackendError`. What is allocated belongs to a `Resources`, which frees it.
"""

import ctypes
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint

try:
    from cuda.bindings import driver
except ImportError as error:
    raise RuntimeMissingError(
        f"cannot import cuda.bindings: {error}; {extra_hint('tensorrt-rtx')}"
    ) from error

_log = logging.getLogger(__name__)

_NON_BLOCKING = driver.CUstream_flags.CU_STREAM_NON_BLOCKING
_SLEEPING_EVENT = driver.CUevent_flags.CU_EVENT_BLOCKING_SYNC | driver.CUevent_flags.CU_EVENT_DISABLE_TIMING
_HOST, _ON_DEVICE = driver.CUmemorytype.CU_MEMORYTYPE_HOST, driver.CUmemorytype.CU_MEMORYTYPE_DEVICE
_MAJOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
_MINOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
# In any other mode memory that is freed meanwhile, by a garbage collection say, spoils the recording.
_RELAXED = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED


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


class Resources:
    """What one owner has allocated on a GPU; `close` frees all of it, the latest first."""

    def __init__(self, device: Device) -> None:
        """Begin with nothing."""
        self._device = device
        self._streams: list[int] = []
        self._stack = ExitStack()

    def pinned(self, nbytes: int) -> NDArray[np.uint8]:
        """Host memory that the GPU copies from and to by itself: zeros, valid until `close`."""
        address = self._allocate(driver.cuMemHostAlloc, driver.cuMemFreeHost, nbytes, 0)
        memory = np.frombuffer((ctypes.c_uint8 * nbytes).from_address(address), np.uint8)
        memory[:] = 0
        return memory

    def on_device(self, nbytes: int) -> int:
        """Address of `nbytes` of the GPU's memory, valid until `close`."""
        return self._allocate(driver.cuMemAlloc, driver.cuMemFree, nbytes)

    def stream(self) -> int:
        """Handle of a stream that waits for no other."""
        stream = self._allocate(driver.cuStreamCreate, driver.cuStreamDestroy, _NON_BLOCKING)
        self._streams.append(stream)
        return stream

    def event(self) -> int:
        """Handle of an event for which a thread waits asleep."""
        return self._allocate(driver.cuEventCreate, driver.cuEventDestroy, _SLEEPING_EVENT)

    def graph(self, stream: int, enqueue: Callable[[], None]) -> int:
        """Record what a function enqueues, to be launched as one.

        Args:
            stream: Handle of the stream that the function uses.
            enqueue: Enqueues work and waits for none; it is called once.

        Returns:
            Handle for `launch`, valid until `close`.

        Raises:
            BackendError: The work cannot be recorded.
        """
        # Into a graph of our own: one that the driver gives to a failed recording would be lost.
        recorded = call(driver.cuGraphCreate, 0)
        try:
            call(driver.cuStreamBeginCaptureToGraph, stream, recorded, None, None, 0, _RELAXED)
            try:
                enqueue()
            except BaseException:
                driver.cuStreamEndCapture(stream)  # leaves the stream usable; the first error counts
                raise
            call(driver.cuStreamEndCapture, stream)
            return self._allocate(driver.cuGraphInstantiate, driver.cuGraphExecDestroy, recorded, 0)
        finally:
            _release(driver.cuGraphDestroy, recorded)

    def on_close(self, function: Callable[[], object]) -> None:
        """Have a function called by `close`, before what was allocated earlier is freed."""
        self._stack.callback(function)

    def close(self) -> None:
        """Let the streams finish and free everything; a second call does nothing.

        A GPU that has failed says so to every call; this does not raise, so
        that the first failure is the one that is seen.
        """
        with suppress(BackendError):
            self._device.make_current()
        while self._streams:
            _release(driver.cuStreamSynchronize, self._streams.pop())
        self._stack.close()

    def _allocate(self, allocate: Callable[..., Any], free: Callable[..., Any], *arguments: Any) -> int:  # noqa: ANN401
        self._device.make_current()
        handle = call(allocate, *arguments)
        self._stack.callback(_release, free, handle)
        return int(handle)


def launch(graph: int, stream: int) -> None:
    """Enqueue a recorded graph."""
    call(driver.cuGraphLaunch, graph, stream)


def upload(target: int, source: NDArray[np.generic], stream: int) -> None:
    """Enqueue a copy from pinned memory to the GPU; both must live until it is done.

    Args:
        target: Address on the GPU, where the rows follow each other without gaps.
        source: (height, width), rows contiguous.
        stream: Handle of the stream.
    """
    if source.flags.c_contiguous:
        call(driver.cuMemcpyHtoDAsync, target, source.ctypes.data, source.nbytes, stream)
        return
    copy = _rectangle(source)
    copy.srcMemoryType, copy.dstMemoryType = _HOST, _ON_DEVICE
    copy.srcHost, copy.srcPitch = source.ctypes.data, source.strides[0]
    copy.dstDevice, copy.dstPitch = target, copy.WidthInBytes
    call(driver.cuMemcpy2DAsync, copy, stream)


def download(target: NDArray[np.generic], source: int, pitch: int, stream: int) -> None:
    """Enqueue a copy from the GPU to pinned memory; both must live until it is done.

    Args:
        target: (height, width), rows contiguous.
        source: Address on the GPU.
        pitch: Bytes from row to row there.
        stream: Handle of the stream.
    """
    if target.flags.c_contiguous and pitch == target.strides[0]:
        call(driver.cuMemcpyDtoHAsync, target.ctypes.data, source, target.nbytes, stream)
        return
    copy = _rectangle(target)
    copy.srcMemoryType, copy.dstMemoryType = _ON_DEVICE, _HOST
    copy.srcDevice, copy.srcPitch = source, pitch
    copy.dstHost, copy.dstPitch = target.ctypes.data, target.strides[0]
    call(driver.cuMemcpy2DAsync, copy, stream)


def _rectangle(plane: NDArray[np.generic]) -> Any:  # noqa: ANN401 - the driver's own type
    copy = driver.CUDA_MEMCPY2D()
    copy.WidthInBytes, copy.Height = plane.shape[1] * plane.itemsize, plane.shape[0]
    return copy


def wait(event: int, stream: int) -> None:
    """Sleep until all work that is on the stream now is done."""
    call(driver.cuEventRecord, event, stream)
    call(driver.cuEventSynchronize, event)


def _release(function: Callable[..., Any], handle: Any) -> None:  # noqa: ANN401 - the driver's own types
    """Free something; a GPU that has failed refuses, which changes nothing for the caller."""
    try:
        call(function, handle)
    except BackendError as error:
        _log.debug("%s", error)


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
