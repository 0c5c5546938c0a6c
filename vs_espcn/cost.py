"""What a network costs, counted from its convolutions: reach, memory and operations."""

import math
from dataclasses import dataclass

from onnx import ModelProto, shape_inference

from vs_espcn.errors import InputError


def receptive_radius(network: ModelProto) -> int:
    """How far from a source sample its influence on the output reaches, in source samples.

    The sum over the convolutions, all of stride 1, of half their width.
    """
    return sum(max(layer.weights[2:]) // 2 for layer in _convolutions(network))


def activation_bytes(network: ModelProto) -> int:
    """Memory for a frame's activations, in bytes per source sample, in float32.

    What goes into a convolution and what comes out of it are alive at once.
    """
    return math.ceil(4 * max(layer.values_in + layer.values_out for layer in _convolutions(network)))


def macs_per_sample(network: ModelProto) -> float:
    """Multiply-adds of the convolutions per source sample; each is two operations."""
    return sum(math.prod(layer.weights) * layer.area for layer in _convolutions(network))


@dataclass(frozen=True, kw_only=True)
class _Convolution:
    """What a convolution costs; values and area are per source sample of the network."""

    weights: tuple[int, ...]  # out, in / groups, height, width
    values_in: float
    values_out: float
    area: float  # of the picture that it computes


_SIDE = 60  # of a square source that every scale and stride in use divides


def _convolutions(network: ModelProto) -> list[_Convolution]:
    """The convolutions in order; an `InputError` if their shapes are not known beforehand."""
    shapes = _shapes(network)
    layers = []
    for node in network.graph.node:
        if node.op_type != "Conv":
            continue
        source, weights, target = (shapes.get(name, ()) for name in (*node.input[:2], node.output[0]))
        if not (all(source) and all(weights) and all(target) and source and weights and target):
            raise InputError(
                f"the shapes of the convolution {node.output[0]!r} cannot be told from the network's file; "
                "export it with constant weights"
            )
        layers.append(
            _Convolution(
                weights=weights,
                values_in=math.prod(source) / _SIDE**2,
                values_out=math.prod(target) / _SIDE**2,
                area=math.prod(target[2:]) / _SIDE**2,
            )
        )
    return layers


def _shapes(network: ModelProto) -> dict[str, tuple[int, ...]]:
    """Shape of every value for a source of `_SIDE`²; 0 where it is not known."""
    sized = ModelProto()
    sized.CopyFrom(network)
    for dim, length in zip(
        sized.graph.input[0].type.tensor_type.shape.dim, (1, 1, _SIDE, _SIDE), strict=True
    ):
        dim.dim_value = length
    sized.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(sized).graph
    return {weight.name: tuple(weight.dims) for weight in inferred.initializer} | {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*inferred.input, *inferred.value_info, *inferred.output)
    }
