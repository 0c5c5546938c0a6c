"""PyTorch on an NVIDIA GPU behind the `Engine` protocol, for GPUs without TensorRT."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint
from vs_espcn.networks.cost import activation_bytes
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import Torch
from vs_espcn.runtime.cuda_slot import CudaEngine, CudaSlot, check_free_memory, plane_types, typed_graph

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

    def __init__(self, backend: Torch, graph: ModelProto, *, lanes: int) -> None:
        """Load the weights onto the GPU; see `vs_espcn.runtime.engine_factory.open_engine`."""
        precision = backend.arithmetic
        device = cuda.Device(backend.index)
        check_usable()
        source, target = plane_types(graph)
        # At least; PyTorch's own text tells where that was not enough.
        activations = activation_bytes(graph) * source.height * source.width
        lane_bytes = source.nbytes + target.nbytes + activations // (2 if precision == "fp16" else 1)
        check_free_memory(device, lane_bytes, lanes)
        typed = typed_graph(graph, precision)
        network = TorchGraph(typed, torch.device("cuda", backend.index))
        make_program = partial(_make_program, network, typed, backend.index)
        super().__init__(
            f"PyTorch {version()} on {device.name}, {precision}, {lanes} lanes",
            (
                CudaSlot(device, source, target, make_program, cuda_graph=backend.cuda_graph)
                for _ in range(lanes)
            ),
        )


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
            weight.name: torch.from_numpy(numpy_helper.to_array(weight).copy()).to(device)
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
    network: TorchGraph, graph: ModelProto, index: int, resources: cuda.Resources, source: int, target: int
) -> "_TorchProgram":
    program = _TorchProgram(network, graph, (source, target), index)
    resources.on_close(program.close)
    return program


class _TorchProgram:
    """A graph bound to one lane's buffers; its intermediate results have a pool of their own."""

    def __init__(self, network: TorchGraph, graph: ModelProto, addresses: Sequence[int], index: int) -> None:
        self._network, self._index = network, index
        self._source, self._target = (
            _tensor_at(address, value.type.tensor_type, index)
            for address, value in zip(addresses, (graph.graph.input[0], graph.graph.output[0]), strict=True)
        )
        # A recorded graph goes on using its intermediate results' memory: nothing else may get it.
        self._pool = torch.cuda.MemPool()

    def enqueue(self, stream: int) -> None:
        """Put a frame's kernels on a stream; see `vs_espcn.runtime.cuda_slot.Program`."""
        try:
            with self._on(stream):
                self._target.copy_(self._network(self._source))
        except torch.OutOfMemoryError as error:
            raise BackendError(
                f"PyTorch: {error}; use fewer lanes, precision='fp16', or smaller tiles"
            ) from error
        except RuntimeError as error:
            raise BackendError(f"PyTorch failed while running: {error}") from error

    def can_be_recorded(self, stream: int) -> bool:  # noqa: ARG002 - the protocol's
        """True: no operation here waits for the GPU."""
        return True

    def close(self) -> None:
        """Let go of the intermediate results and of the buffers, before they are freed."""
        del self._source, self._target, self._pool

    @contextmanager
    def _on(self, stream: int) -> Iterator[None]:
        # TF32 has the 11 bits of fp16; fp32 is asked for because it has more.
        exact = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=False, allow_tf32=False
        )
        with torch.cuda.device(self._index), torch.inference_mode(), exact:
            handle = torch.cuda.ExternalStream(stream)  # type: ignore[no-untyped-call]
            with torch.cuda.stream(handle), torch.cuda.use_mem_pool(self._pool):
                yield


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
