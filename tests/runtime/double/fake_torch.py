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
import pytest
from onnx import helper

from tests.runtime.double.driver import kernel, libcuda

HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class FakeCuda:
    """Stands in for `torch.cuda`'s members, and notes who called and how.

    Attributes:
        threads: Those that computed.
        precisions: Of convolutions, while they computed.
        exhausted: Whether its allocator has no memory.
    """

    def __init__(self, runtime: Any) -> None:
        self._torch = runtime.torch
        self._here = threading.local()
        self.threads: set[int] = set()
        self.precisions: set[str] = set()
        self.exhausted = False

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
        handle = ctypes.c_void_p(getattr(self._here, "stream", 0))
        if libcuda().double_is_capturing(handle):
            raise RuntimeError("no CUDAGraph is capturing")
        assert not getattr(self._here, "pooled", False)
        self._here.pooled = True
        yield
        self._here.pooled = False

    def compute(self, function: Callable[[], None], used: dict[int, int]) -> None:
        assert self._here.pooled, "the memory of a recorded graph would be another's"
        if self.exhausted:
            raise self._torch.OutOfMemoryError("CUDA out of memory")
        self.threads.add(threading.get_ident())
        self.precisions.add(self._torch.backends.cudnn.conv.fp32_precision)
        if not kernel(self._here.stream, function, used):
            raise RuntimeError("the driver refuses")


def install(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """Have the PyTorch engine run on the double."""
    runtime = pytest.importorskip("vs_espcn.runtime.torch", reason="PyTorch is not installed")
    torch = runtime.torch
    cuda = FakeCuda(runtime)

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

    class Graph(runtime.TorchGraph):  # type: ignore[misc, name-defined]
        def __init__(self, graph: Any, device: Any) -> None:
            assert device.type == "cuda"
            super().__init__(graph, torch.device("cpu"))

        def __call__(self, frame: Any) -> Any:
            return (super().__call__, frame)

    monkeypatch.setattr(runtime, "check_usable", lambda: None)
    monkeypatch.setattr(runtime, "_tensor_at", Memory)
    monkeypatch.setattr(runtime, "TorchGraph", Graph)
    for name, stand_in in {
        "MemPool": object,
        "ExternalStream": cuda.external_stream,
        "stream": cuda.stream,
        "use_mem_pool": cuda.use_mem_pool,
        "device": lambda _: torch.device("cpu"),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return cuda
