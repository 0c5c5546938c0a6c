"""Rewrite int8 networks for samples that are not 8-bit codes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

from vs_espcn.networks.registry import CONVOLUTIONS

_Array = NDArray[Any]


def with_float_input(network: ModelProto) -> ModelProto:
    """Return an int8 network whose first convolution does not round its input.

    Its weights become floats as well: with int8 weights, OpenVINO would round the input anyway.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`; it is not changed.
    """
    result = ModelProto()
    result.CopyFrom(network)
    makers = {name: node for node in result.graph.node for name in node.output}
    first = next(node for node in result.graph.node if node.op_type in CONVOLUTIONS)
    restored, kernels = (makers.get(name) for name in first.input[:2])
    rounded = restored and makers.get(restored.input[0])
    if rounded and rounded.op_type == "QuantizeLinear":
        first.input[0] = rounded.input[0]
    constants = {each.name: numpy_helper.to_array(each) for each in network.graph.initializer}
    if kernels and kernels.op_type == "DequantizeLinear" and constants.keys() >= set(kernels.input):
        weights = dequantized(kernels, *(constants[name] for name in kernels.input))
        result.graph.node.remove(kernels)
        result.graph.initializer.append(numpy_helper.from_array(weights, kernels.output[0]))
    return result


def dequantized(node: NodeProto, codes: _Array, steps: _Array, *zeros: _Array) -> NDArray[np.float32]:
    """Return the values that DequantizeLinear gives for codes, with one step or one per index of an axis."""
    axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
    along = [-1 if dim == axis and steps.ndim else 1 for dim in range(codes.ndim)]
    values = codes.astype(np.float32)
    for zero in zeros:
        values -= zero.reshape(along)
    return values * steps.reshape(along)
