"""What a network costs, counted from its convolutions: memory and operations."""

import math
from dataclasses import dataclass

from onnx import ModelProto

from vs_espcn.errors import InputError
from vs_espcn.networks.registry import CONVOLUTIONS
from vs_espcn.networks.shapes import SIDE, shapes_of


def activation_bytes(network: ModelProto) -> int:
    """Memory for a frame's activations, in bytes per source sample, in float32.

    What goes into a convolution and what comes out of it are alive at once;
    without convolutions, the picture before and after.
    """
    values = (layer.values_in + layer.values_out for layer in _convolutions(network))
    return math.ceil(4 * max(values, default=2))


def macs_per_sample(network: ModelProto) -> float:
    """Multiply-adds of the convolutions per source sample; each is two operations."""
    return sum(math.prod(layer.weights) * layer.area for layer in _convolutions(network))


@dataclass(frozen=True, kw_only=True)
class _Convolution:
    """What a convolution costs; all but the weights in or per source samples of the network."""

    weights: tuple[int, ...]  # out, in / groups, height, width; of a transposed one in, out / groups, …
    values_in: float
    values_out: float
    area: float  # of the picture at each of whose samples all weights are used


def _convolutions(network: ModelProto) -> list[_Convolution]:
    """The convolutions in order; an `InputError` if their shapes are not known beforehand."""
    shapes = shapes_of(network)
    layers = []
    for node in network.graph.node:
        if node.op_type not in CONVOLUTIONS:
            continue
        source, weights, target = (shapes.get(name, ()) for name in (*node.input[:2], node.output[0]))
        if not (all(source) and all(weights) and all(target) and source and weights and target):
            raise InputError(
                f"the shapes of the convolution {node.output[0]!r} cannot be told from the network's file; "
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
