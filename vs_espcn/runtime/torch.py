"""PyTorch on an NVIDIA GPU behind the `Engine` protocol, for GPUs without TensorRT."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint
from vs_espcn.networks.cost import activation_bytes
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import Torch
from vs_espcn.runtime.cuda_engine import CudaEngine
from vs_espcn.runtime.cuda_slot import CudaSlot, lanes_that_fit, plane_types, typed_graph
from vs_espcn.runtime.tiling import Tiling

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise RuntimeMissingError(f"cannot import torch: {error}; {extra_hint('torch')}") from error


def version() -> str:
    """PyTorch's version."""
    return str(torch.__version__)


def check_usable() -> None:
    """Let a PyTorch that sees the GPU pass.

    Raises:
        BackendError: It was built without CUDA, or for one that the driver does not support.
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


class TorchEngine(CudaEngine):
    """A graph run operation by operation, with one stream and memory pool per lane."""

    def __init__(self, backend: Torch, graph: ModelProto, tiling: Tiling, *, lanes: int) -> None:
        """Load the weights onto the GPU; see `vs_espcn.runtime.engine_factory.open_engine`."""
        precision = backend.arithmetic
        device = cuda.open_device(backend.index)
        check_usable()
        source, target = plane_types(graph)
        # At least; where that was not enough, opening the slots shows it.
        activations = activation_bytes(graph) * source.height * source.width
        lane_bytes = source.nbytes + target.nbytes + activations // (2 if precision == "fp16" else 1)
        fewer = backend.lanes is None
        lanes = lanes_that_fit(device, lane_bytes, lanes, fewer=fewer)
        typed = typed_graph(graph, precision)
        network = TorchGraph(typed, torch.device("cuda", backend.index))
        make_program = partial(_make_program, network, typed, device)

        def open_slot(device: cuda.Device) -> CudaSlot:
            return CudaSlot(device, source, target, tiling, make_program, cuda_graph=backend.cuda_graph)

        about = f"PyTorch {version()} on {device.name}, {precision}"
        super().__init__(about, [device] * lanes, open_slot, fewer=fewer)


class TorchGraph:
    """An ONNX graph of the operations that `vs_espcn.networks.graph` and the networks use."""

    def __init__(self, graph: ModelProto, device: torch.device) -> None:
        """Put the weights on a device.

        Raises:
            BackendError: The graph has an operation that is not known here.
        """
        self._nodes = list(graph.graph.node)
        for node in self._nodes:
            if node.op_type not in _OPERATIONS:
                raise BackendError(
                    f"the network has the operation {node.op_type}, which the backend 'torch' does not know; "
                    f"it knows {', '.join(sorted(_OPERATIONS))}; use another backend"
                )
        self._constants = {
            weight.name: _constant(numpy_helper.to_array(weight)).to(device)
            for weight in graph.graph.initializer
        }
        # Axes are read on the host: asking the GPU for them would wait for it.
        self._axes = {
            weight.name: numpy_helper.to_array(weight).tolist()
            for weight in graph.graph.initializer
            if weight.data_type == helper.np_dtype_to_tensor_dtype(np.dtype(np.int64))
        }
        last_uses = {name: index for index, node in enumerate(self._nodes) for name in node.input}
        self._finished: list[list[str]] = [[] for _ in self._nodes]
        for name in last_uses.keys() - self._constants.keys():
            self._finished[last_uses[name]].append(name)
        self._input = graph.graph.input[0].name
        self._output = graph.graph.output[0].name

    def __call__(self, frame: Tensor) -> Tensor:
        """Compute a frame.

        Args:
            frame: Of the graph's input type and shape, on the weights' device.

        Returns:
            A new tensor of the graph's output type and shape.
        """
        values = self._constants | {self._input: frame}
        for node, finished in zip(self._nodes, self._finished, strict=True):
            inputs = [self._axes.get(name, values[name]) for name in node.input]
            attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            values[node.output[0]] = _OPERATIONS[node.op_type](*inputs, **attributes)
            for name in finished:  # so that its memory serves the next
                del values[name]
        return values[self._output]


def _make_program(
    network: TorchGraph,
    graph: ModelProto,
    device: cuda.Device,
    resources: cuda.Resources,
    source: int,
    target: int,
) -> "_TorchProgram":
    program = _TorchProgram(network, graph, (source, target), device)
    resources.on_close(program.close)
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
        self._network, self._device, self._index = network, device, device.index
        self._source, self._target = (
            _tensor_at(address, value.type.tensor_type, device.index)
            for address, value in zip(addresses, (graph.graph.input[0], graph.graph.output[0]), strict=True)
        )
        # A recorded graph goes on using its intermediate results' memory: nothing else may get it.
        self._pool = torch.cuda.MemPool()
        self._is_recording = False

    def enqueue(self, stream: int) -> None:
        """Put a frame's kernels on a stream; see `vs_espcn.runtime.cuda_slot.Program`."""
        try:
            _thread().submit(self._enqueue, stream).result()
        except torch.OutOfMemoryError as error:
            raise cuda.OutOfMemoryError(f"PyTorch: {error}") from error
        except RuntimeError as error:
            raise BackendError(f"PyTorch failed while running: {error}") from error

    def can_be_recorded(self, stream: int) -> bool:  # noqa: ARG002 - the protocol's
        """True: no operation here waits for the GPU."""
        return True

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Have the pool in use from before the recording until after it.

        PyTorch looks for the `torch.cuda.CUDAGraph` that records when a pool
        comes into use during a recording; here the driver itself records.
        """
        pool = torch.cuda.use_mem_pool(self._pool, self._index)
        _thread().submit(pool.__enter__).result()
        self._is_recording = True
        try:
            yield
        finally:
            self._is_recording = False
            _thread().submit(pool.__exit__, None, None, None).result()

    def close(self) -> None:
        """Let go of the intermediate results and of the buffers, before they are freed."""
        del self._source, self._target, self._pool

    def _enqueue(self, stream: int) -> None:
        self._device.make_current()
        with ExitStack() as settings:
            settings.enter_context(torch.cuda.device(self._index))
            settings.enter_context(torch.inference_mode())
            settings.enter_context(exact_arithmetic())
            handle = torch.cuda.ExternalStream(stream, self._index)  # type: ignore[no-untyped-call]
            settings.enter_context(torch.cuda.stream(handle))
            if not self._is_recording:
                settings.enter_context(torch.cuda.use_mem_pool(self._pool, self._index))
            self._target.copy_(self._network(self._source))


@cache
def _thread() -> ThreadPoolExecutor:
    """The one thread that calls PyTorch to compute."""
    return ThreadPoolExecutor(1, "vs_espcn-torch")


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


def _constant(values: NDArray[np.generic]) -> Tensor:
    """A tensor of its own; convolutions' weights as cuDNN's tensor cores take them, without a conversion."""
    tensor = torch.from_numpy(values.copy())
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _cast(values: Tensor, *, to: int) -> Tensor:
    return values.to(_TYPES[helper.tensor_dtype_to_np_dtype(to).name])


def _convolve(
    values: Tensor, weight: Tensor, bias: Tensor, *, pads: Sequence[int], kernel_shape: Sequence[int]
) -> Tensor:
    assert list(kernel_shape) == list(weight.shape[2:])
    assert pads[:2] == pads[2:]
    return functional.conv2d(values, weight, bias, padding=tuple(pads[:2]))


def _shuffle(values: Tensor, *, blocksize: int, mode: bytes = b"DCR") -> Tensor:
    if mode == b"DCR":
        _, channels, height, width = values.shape
        phases = values.reshape(-1, blocksize**2, channels // blocksize**2, height, width)
        values = phases.transpose(1, 2).reshape(-1, channels, height, width)
    return functional.pixel_shuffle(values, blocksize)


def _sum(values: Tensor, axes: Sequence[int], *, keepdims: int) -> Tensor:
    return values.sum(tuple(axes), keepdim=bool(keepdims))


_TYPES = {
    "uint8": torch.uint8,
    "float16": torch.float16,
    "float32": torch.float32,
}

_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Add": torch.add,
    "Cast": _cast,
    "Clip": torch.clamp,
    "Concat": lambda *values, axis: torch.cat(values, axis),
    "Conv": _convolve,
    "DepthToSpace": _shuffle,
    "Floor": torch.floor,
    "LeakyRelu": lambda values, *, alpha: functional.leaky_relu(values, alpha),
    "MatMul": torch.matmul,
    "Mul": torch.mul,
    "ReduceSum": _sum,
    "Relu": torch.relu,
    "Round": torch.round,
    "Sub": torch.sub,
    "Tanh": torch.tanh,
    "Unsqueeze": lambda values, axes: values.unsqueeze(axes[0]),
}
