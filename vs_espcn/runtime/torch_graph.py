"""An ONNX graph in PyTorch's operations."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper
from torch import Tensor
from torch.nn import functional

from vs_espcn.errors import BackendError


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
