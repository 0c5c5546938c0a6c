"""What PyTorch has for a GPU, on the double: its checks, and the place where each of them is made.

The operations are PyTorch's own, on the CPU; they run when the double runs
what is on a stream.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from onnx import helper

from tests.runtime.double.driver import kernel, libcuda
from vs_espcn.runtime.cuda import driver

HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class FakeCuda:
    """Stands in for `torch.cuda`'s members, and notes who called and how.

    Attributes:
        threads: Those that computed.
        precisions: Of convolutions, while they computed.
        exhausted: Whether its allocator has no memory.
        refused: Which of "making" and "using" pools it refuses.
        while_recording: Called once, when a pool is in use for a frame that is about to be recorded.
        pools: Those that are there.
        aborts: Why PyTorch would have ended the process.
    """

    def __init__(self, runtime: Any) -> None:
        self._torch = runtime.torch
        self._here = threading.local()
        self.threads: set[int] = set()
        self.precisions: set[str] = set()
        self.exhausted = False
        self.refused: set[str] = set()
        self.while_recording: Callable[[], None] | None = None
        self.pools: set[int] = set()
        self.aborts: list[str] = []
        self._in_use: list[int] = []  # by id, as a reference would keep them
        self._of_stream: dict[int, int] = {}

    def make_pool(self) -> "Pool":
        if "making" in self.refused:
            raise RuntimeError("the allocator has no pools")
        return Pool(self)

    def gone(self, pool: int) -> None:
        """A pool goes: what is in it is given back to the driver."""
        self.pools.remove(pool)
        if self._in_use:
            self.aborts.append("a pool goes while one is in use")
        if has_failed():
            self.aborts.append("a pool goes after the GPU has failed")

    def external_stream(self, handle: int, device: int) -> SimpleNamespace:
        return SimpleNamespace(handle=handle, device=device)

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        self._here.stream = stream.handle
        yield
        self._here.stream = 0

    @contextmanager
    def use_mem_pool(self, pool: object, device: int) -> Iterator[None]:
        """As of PyTorch 2.15: during a recording it asks for the graph of its own that records."""
        assert pool is not None
        assert device == 0
        stream = getattr(self._here, "stream", 0)
        if libcuda().double_is_capturing(ctypes.c_void_p(stream)):
            raise RuntimeError("no CUDAGraph is capturing")
        if has_failed():  # it asks for the stream's state
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if "using" in self.refused:
            raise RuntimeError("pools are not supported")
        self._in_use.append(id(pool))
        try:
            if not stream and self.while_recording is not None:
                hook, self.while_recording = self.while_recording, None
                hook()
            yield
        finally:
            self._in_use.remove(id(pool))

    def compute(self, function: Callable[[], None], used: dict[int, int]) -> None:
        if libcuda().double_is_capturing(ctypes.c_void_p(self._here.stream)):
            assert self._in_use, "the memory of a recorded graph would be another's"
        if self._in_use:
            mine = self._of_stream.setdefault(self._here.stream, self._in_use[-1])
            assert self._in_use == [mine], "memory comes from the pool of another's recorded graph"
        if self.exhausted:
            raise self._torch.OutOfMemoryError("CUDA out of memory")
        self.threads.add(threading.get_ident())
        self.precisions.add(self._torch.backends.cudnn.conv.fp32_precision)
        if not kernel(self._here.stream, function, used):
            raise RuntimeError("the driver refuses")


def has_failed() -> bool:
    """Whether the GPU has."""
    return bool(driver.cuMemGetInfo()[0] == driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS)


class Pool:
    """A replacement for `torch.cuda.MemPool`."""

    def __init__(self, owner: FakeCuda) -> None:
        self._owner = owner
        owner.pools.add(id(self))

    def __del__(self) -> None:
        self._owner.gone(id(self))


def install(patch: Callable[[Any, str, Any], None]) -> FakeCuda:
    """Have the PyTorch engine run on the double; `patch` sets attributes."""
    from vs_espcn.runtime import torch as engine  # noqa: PLC0415 - not installed everywhere

    torch = engine.torch
    cuda = FakeCuda(engine)

    class Memory:
        """A tensor in the double's device memory."""

        def __init__(self, address: int, tensor_type: Any, index: int) -> None:
            assert index == 0
            self._shape = tuple(dim.dim_value for dim in tensor_type.shape.dim)
            self._dtype = helper.tensor_dtype_to_np_dtype(tensor_type.elem_type)
            self.address, self.nbytes = address, int(np.prod(self._shape)) * self._dtype.itemsize
            self._kept: list[Any] = []

        def array(self) -> np.ndarray:
            held = (ctypes.c_uint8 * self.nbytes).from_address(self.address)
            return np.frombuffer(held, np.uint8).view(self._dtype).reshape(self._shape)

        def copy_(self, deferred: tuple[Callable[[Any], Any], "Memory"]) -> None:
            compute, source = deferred

            def run(_: object) -> None:
                with torch.inference_mode():
                    self.array()[:] = compute(torch.from_numpy(source.array())).numpy()

            self._kept.append(HostFunction(run))
            cuda.compute(self._kept[-1], {each.address: each.nbytes for each in (self, source)})

    class Graph(engine.TorchGraph):  # type: ignore[misc, name-defined]
        def __init__(self, graph: Any, device: Any) -> None:
            assert device.type == "cuda"
            super().__init__(graph, torch.device("cpu"))

        def __call__(self, frame: Any) -> Any:
            return (super().__call__, frame)

    patch(engine, "check_usable", lambda _: None)
    patch(engine, "_tensor_at", Memory)
    patch(engine, "TorchGraph", Graph)
    for name, stand_in in {
        "MemPool": cuda.make_pool,
        "ExternalStream": cuda.external_stream,
        "stream": cuda.stream,
        "use_mem_pool": cuda.use_mem_pool,
        "device": lambda _: torch.device("cpu"),
    }.items():
        patch(torch.cuda, name, stand_in)
    return cuda
