"""CUDA's driver API: one GPU, its memory, streams, events and graphs.

Every call goes through `call`, which turns an error code into a
`BackendError`. What is allocated belongs to a `Resources`, which frees it.
"""

import ctypes
import logging
import weakref
from collections.abc import Callable
from contextlib import ExitStack
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
_MAJOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
_MINOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
_THIS_THREAD = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL


def call(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - the driver's own types
    """Call a function of the driver API.

    Args:
        function: One of `cuda.bindings.driver`.
        arguments: Its arguments.

    Returns:
        Its results: None, the only one, or a tuple.

    Raises:
        BackendError: It returned an error.
    """
    code, *results = function(*arguments)
    if code != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(code)
        reason = text.decode() if text else "no description"
        raise BackendError(f"CUDA: {function.__name__} failed: {reason} ({code.name})")
    return results[0] if len(results) == 1 else tuple(results) or None


def check_driver() -> None:
    """Let a machine with a usable NVIDIA driver and a GPU pass; touches no GPU.

    Raises:
        RuntimeMissingError: There is no driver.
        BackendError: It is too old, or it finds no GPU.
    """
    try:
        version = call(driver.cuDriverGetVersion)
    except RuntimeError:
        raise RuntimeMissingError(
            "no NVIDIA driver was found (libcuda.so.1); install one, or use the backend 'openvino'"
        ) from None
    needed = driver.CUDA_VERSION // 1000
    if version < needed * 1000:
        raise BackendError(
            f"the NVIDIA driver is too old: it supports CUDA {_dotted(version)}, needed is {needed}.0 or "
            "newer; update the driver"
        )
    if driver.cuInit(0)[0] == driver.CUresult.CUDA_ERROR_NO_DEVICE:
        raise BackendError("the NVIDIA driver finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES")
    call(driver.cuInit, 0)


class Device:
    """One GPU and its primary context, which is released when nothing refers to this object any more."""

    def __init__(self, index: int) -> None:
        """Open a GPU.

        Args:
            index: Its number, from 0.

        Raises:
            BackendError: There is no usable driver or no such GPU.
        """
        check_driver()
        count = call(driver.cuDeviceGetCount)
        if not 0 <= index < count:
            raise BackendError(f"there is no GPU {index}; present are 0 to {count - 1}")
        handle = call(driver.cuDeviceGet, index)
        self.index = index
        self.name: str = call(driver.cuDeviceGetName, 128, handle).split(b"\0")[0].decode()
        self.compute_capability: tuple[int, int] = (
            call(driver.cuDeviceGetAttribute, _MAJOR, handle),
            call(driver.cuDeviceGetAttribute, _MINOR, handle),
        )
        self._context = call(driver.cuDevicePrimaryCtxRetain, handle)
        weakref.finalize(self, _release, driver.cuDevicePrimaryCtxRelease, handle)

    @property
    def capability(self) -> str:
        """Compute capability as people write it, for example ``"8.9"``."""
        return ".".join(map(str, self.compute_capability))

    def make_current(self) -> None:
        """Direct this thread's CUDA calls to this GPU."""
        call(driver.cuCtxSetCurrent, self._context)

    def free_memory(self) -> int:
        """Free memory of the GPU, in bytes."""
        self.make_current()
        free, _ = call(driver.cuMemGetInfo)
        return int(free)


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
        call(driver.cuStreamBeginCapture, stream, _THIS_THREAD)
        try:
            enqueue()
        except BaseException:
            driver.cuStreamEndCapture(stream)  # leaves the stream usable; the first error counts
            raise
        graph = call(driver.cuStreamEndCapture, stream)
        try:
            return self._allocate(driver.cuGraphInstantiate, driver.cuGraphExecDestroy, graph, 0)
        finally:
            _release(driver.cuGraphDestroy, graph)

    def on_close(self, function: Callable[[], object]) -> None:
        """Have a function called by `close`, before what was allocated earlier is freed."""
        self._stack.callback(function)

    def close(self) -> None:
        """Let the streams finish and free everything; a second call does nothing."""
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


def upload(target: int, source: NDArray[np.uint8], stream: int) -> None:
    """Enqueue a copy from pinned memory to the GPU; both must live until it is done."""
    call(driver.cuMemcpyHtoDAsync, target, source.ctypes.data, source.nbytes, stream)


def download(target: NDArray[np.uint8], source: int, stream: int) -> None:
    """Enqueue a copy from the GPU to pinned memory; both must live until it is done."""
    call(driver.cuMemcpyDtoHAsync, target.ctypes.data, source, target.nbytes, stream)


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
