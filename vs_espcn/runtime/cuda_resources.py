"""What its owner has on a GPU (memory, streams, events, graphs), and the work that is put on a stream."""

import ctypes
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vs_espcn.errors import BackendError
from vs_espcn.runtime.cuda import Device, call, driver

_log = logging.getLogger(__name__)

_NON_BLOCKING = driver.CUstream_flags.CU_STREAM_NON_BLOCKING
_SLEEPING_EVENT = driver.CUevent_flags.CU_EVENT_BLOCKING_SYNC | driver.CUevent_flags.CU_EVENT_DISABLE_TIMING
_HOST, _ON_DEVICE = driver.CUmemorytype.CU_MEMORYTYPE_HOST, driver.CUmemorytype.CU_MEMORYTYPE_DEVICE
# In any other mode memory that is freed meanwhile, by a garbage collection say, spoils the recording.
_RELAXED = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED


class Resources:
    """What one owner has allocated on a GPU; `close` frees all of it, the latest first.

    Attributes:
        have_failed: True from `close` on if the work on a stream had failed.
    """

    def __init__(self, device: Device) -> None:
        """Begin with nothing."""
        self.have_failed = False
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
            if not _release(driver.cuStreamSynchronize, self._streams.pop()):
                self.have_failed = True
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


def _release(function: Callable[..., Any], handle: Any) -> bool:  # noqa: ANN401 - the driver's own types
    """Free something; returns False if the GPU refuses, as one that has failed does."""
    try:
        call(function, handle)
    except BackendError as error:
        _log.debug("%s", error)
        return False
    return True
