"""Count a network's memory and operations from its convolutions."""

import math
from dataclasses import dataclass

from onnx import ModelProto

from vs_espcn.errors import InputError
from vs_espcn.networks.registry import CONVOLUTIONS
from vs_espcn.networks.shapes import SIDE, shapes_of


def activation_bytes(network: ModelProto) -> int:
    """Return the memory for a frame's float32 activations, in bytes per source sample.

    A convolution's input and output are in memory at the same time. Without
    convolutions the picture before and after counts.
    """
    values = (layer.values_in + layer.values_out for layer in _convolutions(network))
    return math.ceil(4 * max(values, default=2))


def macs_per_sample(network: ModelProto) -> float:
    """Return the multiply-adds of the convolutions per source sample; each is two operations."""
    return sum(math.prod(layer.weights) * layer.area for layer in _convolutions(network))


@dataclass(frozen=True, kw_only=True)
class _Convolution:
    """The size of a convolution; all but the weights are per source sample of the network."""

    weights: tuple[int, ...]  # out, in / groups, height, width; of a transposed one in, out / groups, …
    values_in: float
    values_out: float
    area: float  # of the samples at which all weights are used


def _convolutions(network: ModelProto) -> list[_Convolution]:
    """List the convolutions in order, or raise `InputError` if their shapes are not known in advance."""
    shapes = shapes_of(network)
    layers = []
    for node in network.graph.node:
        if node.op_type not in CONVOLUTIONS:
            continue
        source, weights, target = (shapes.get(name, ()) for name in (*node.input[:2], node.output[0]))
        if not (all(source) and all(weights) and all(target) and source and weights and target):
            raise InputError(
                f"the network's file does not give the shapes of the convolution {node.output[0]!r}; "
                "export it with constant weights"
            )
        computed = target if node.op_type == "Conv" else source
        layers.append(
            _Convolution(
                weights=weights,
                values_in=math.prod(source) / SIDE**2,
                values_out=math.prod(target) / SIDE**2,
                area=math.prod(computed[2:]) / SIDE**2,
            )
        )
    return layers
