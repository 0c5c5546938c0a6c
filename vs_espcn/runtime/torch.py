"""PyTorch on an NVIDIA GPU behind the `Engine` protocol, for GPUs without TensorRT."""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint
from vs_espcn.networks.cost import activation_bytes
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import Torch
from vs_espcn.runtime.cuda_engine import CudaEngine
from vs_espcn.runtime.cuda_resources import Resources
from vs_espcn.runtime.cuda_slot import CudaSlot, lanes_that_fit, plane_types, typed_graph
from vs_espcn.runtime.tiling import Tiling

try:
    import torch
    from torch import Tensor

    from vs_espcn.runtime.torch_graph import TorchGraph
    from vs_espcn.runtime.torch_pool import TorchPool
except ImportError as error:
    raise RuntimeMissingError(f"cannot import torch: {error}; {extra_hint('torch')}") from error


def version() -> str:
    """PyTorch's version."""
    return str(torch.__version__)


def check_usable(device: cuda.Device) -> None:
    """Let a PyTorch that can compute on a GPU pass.

    Raises:
        BackendError: It was built without CUDA, for one that the driver does not support, or without
            code for the GPU's compute capability.
    """
    if torch.version.cuda is None:
        raise BackendError(f"PyTorch {version()} is built without CUDA; install a build for CUDA")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the error below says it
        available = torch.cuda.is_available()
    if not available:
        raise BackendError(
            f"PyTorch {version()} for CUDA {torch.version.cuda} cannot use the GPU; update the driver"
        )
    architectures = torch.cuda.get_arch_list()
    if architectures and not any(_runs(name, device.compute_capability) for name in architectures):
        raise BackendError(
            f"{device}: PyTorch {version()} has no code for compute capability {device.capability}, only "
            f"{', '.join(architectures)}; install a build that has"
        )


def _runs(architecture: str, capability: tuple[int, int]) -> bool:
    """Whether code that was compiled for an architecture, such as ``"sm_86"``, runs on a GPU.

    Machine code (``sm``) serves its major version from its minor version on, the driver's language
    (``compute``) everything later; with an ``a`` at its end, nothing but that very capability.
    """
    match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
    if match is None:
        return False
    built_for = (int(match[2]), int(match[3]))
    if match[4] == "a":
        return built_for == capability
    if match[1] == "compute" and not match[4]:
        return built_for <= capability
    return built_for[0] == capability[0] and built_for <= capability


class TorchEngine(CudaEngine):
    """A graph run operation by operation, with one stream and memory pool per lane."""

    def __init__(self, backend: Torch, graph: ModelProto, tiling: Tiling, *, lanes: int) -> None:
        """Load the weights onto the GPU; see `vs_espcn.runtime.engine_factory.open_engine`."""
        precision = backend.arithmetic
        device = cuda.open_device(backend.index)
        check_usable(device)
        source, target = plane_types(graph)
        # At least; where that was not enough, opening the slots shows it.
        activations = activation_bytes(graph) * source.height * source.width
        lane_bytes = source.nbytes + target.nbytes + activations // (2 if precision == "fp16" else 1)
        fewer = backend.lanes is None
        lanes = lanes_that_fit(device, lane_bytes, lanes, fewer=fewer)
        typed = typed_graph(graph, precision)
        with _pytorchs_errors("cannot load the network"):
            network = TorchGraph(typed, torch.device("cuda", backend.index))
        make_program = partial(_make_program, network, typed, device)

        def open_slot(device: cuda.Device) -> CudaSlot:
            return CudaSlot(device, source, target, tiling, make_program, cuda_graph=backend.cuda_graph)

        about = f"PyTorch {version()} on {device.name}, {precision}"
        super().__init__(about, [device] * lanes, open_slot, fewer=fewer)


def _make_program(
    network: TorchGraph,
    graph: ModelProto,
    device: cuda.Device,
    resources: Resources,
    source: int,
    target: int,
) -> "_TorchProgram":
    with _pytorchs_errors("cannot use the GPU's memory"):
        program = _TorchProgram(network, graph, (source, target), device)
    resources.on_close(partial(program.close, resources))
    return program


class _TorchProgram:
    """A graph bound to one lane's buffers; its intermediate results have a pool of their own.

    PyTorch is called on one thread alone: it keeps cuDNN's handles per
    thread, and the exact arithmetic that is needed here is a setting of the
    whole process.
    """

    def __init__(
        self, network: TorchGraph, graph: ModelProto, addresses: Sequence[int], device: cuda.Device
    ) -> None:
        self._network, self._device = network, device
        self._source, self._target = (
            _tensor_at(address, value.type.tensor_type, device.index)
            for address, value in zip(addresses, (graph.graph.input[0], graph.graph.output[0]), strict=True)
        )
        self._pool = TorchPool(device.index)
        self._is_recording = False

    def enqueue(self, stream: int) -> None:
        """Put a frame's kernels on a stream; see `vs_espcn.runtime.cuda_slot.Program`."""
        # Nothing else may use a pool meanwhile; while a frame is recorded, `recording` sees to that.
        with nullcontext() if self._is_recording else TorchPool.one_at_a_time():
            _on_pytorchs_thread(self._enqueue, stream)

    def can_be_recorded(self, stream: int) -> bool:  # noqa: ARG002 - the protocol's
        """True: no operation here waits for the GPU."""
        return True

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Have the pool in use from before the recording until after it.

        PyTorch looks for the `torch.cuda.CUDAGraph` that records when a pool
        comes into use during a recording; here the driver itself records.

        Raises:
            BackendError: PyTorch refuses the pool.
        """
        with TorchPool.one_at_a_time():
            _on_pytorchs_thread(self._pool.enter)
            self._is_recording = True
            try:
                yield
            finally:
                self._is_recording = False
                _on_pytorchs_thread(self._pool.leave)

    def close(self, resources: Resources) -> None:
        """Let go of the intermediate results and of the buffers, before they are freed."""
        del self._source, self._target
        self._pool.close(have_failed=resources.have_failed)

    def _enqueue(self, stream: int) -> None:
        self._device.make_current()
        with ExitStack() as settings:
            settings.enter_context(torch.cuda.device(self._device.index))
            settings.enter_context(torch.inference_mode())
            settings.enter_context(exact_arithmetic())
            handle = torch.cuda.ExternalStream(stream, self._device.index)  # type: ignore[no-untyped-call]
            settings.enter_context(torch.cuda.stream(handle))
            if not self._is_recording and self._pool.enter_if_allowed():
                settings.callback(self._pool.leave)
            self._target.copy_(self._network(self._source))


@cache
def _thread() -> ThreadPoolExecutor:
    """The one thread that calls PyTorch to compute."""
    return ThreadPoolExecutor(1, "vs_espcn-torch")


def _on_pytorchs_thread(function: Callable[..., None], *arguments: object) -> None:
    with _pytorchs_errors("failed while running"):
        _thread().submit(function, *arguments).result()


@contextmanager
def _pytorchs_errors(what: str) -> Iterator[None]:
    """Raise PyTorch's errors as this package's."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise cuda.OutOfMemoryError(f"PyTorch: {error}") from error
    except RuntimeError as error:
        raise BackendError(f"PyTorch {what}: {error}") from error


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Compute float32 in float32: TF32 has the 11 bits of fp16, and fp32 is asked for because it has more.

    The settings are the process's, and are put back at the end.
    """
    name, value = _EXACT
    owners: list[Any] = [
        getattr(torch.backends.cudnn, "conv", torch.backends.cudnn),
        torch.backends.cuda.matmul,
    ]
    before = [getattr(owner, name) for owner in owners]
    try:
        for owner in owners:
            setattr(owner, name, value)
        yield
    finally:
        for owner, earlier in zip(owners, before, strict=True):
            setattr(owner, name, earlier)


# The older attribute may refuse once the newer one has been set.
_EXACT = ("fp32_precision", "ieee") if hasattr(torch.backends.cudnn, "conv") else ("allow_tf32", False)


class _Memory:
    """GPU memory as PyTorch takes it over without a copy."""

    def __init__(self, address: int, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (address, False),
            "version": 3,
        }


def _tensor_at(address: int, tensor_type: Any, index: int) -> Tensor:  # noqa: ANN401 - generated code
    """The GPU memory at an address as a tensor; it must outlive the tensor."""
    shape = tuple(dim.dim_value for dim in tensor_type.shape.dim)
    memory = _Memory(address, shape, helper.tensor_dtype_to_np_dtype(tensor_type.elem_type))
    return torch.as_tensor(memory, device=torch.device("cuda", index))
