"""Read a network as a chain of convolutions, as most are, for writers of other formats.

luma → gain·luma + offset → convolution, activation → … → convolution [+ skip] → pixel shuffle
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from vs_espcn.errors import InputError
from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME, is_int8, network_metadata

Activation = Literal["none", "relu", "leaky", "tanh"]
_ACTIVATIONS: dict[str, Activation] = {"Relu": "relu", "LeakyRelu": "leaky", "Tanh": "tanh"}

OPERATIONS = ("Add", "Conv", "DepthToSpace", "LeakyRelu", "Mul", "Relu", "Sub", "Tanh")
"""The ONNX operations that a chain consists of."""


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """One convolution of stride 1 with zero padding, and its activation.

    Attributes:
        weights: float32 (out, in, side, side); the side is odd.
        bias: float32 (out,).
        activation: Activation function of the output.
        slope: Slope of the leaky activation below 0.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: Activation = "none"
    slope: float = 0.0

    @property
    def radius(self) -> int:
        """Radius of the kernel, in samples."""
        return len(self.weights[0, 0]) // 2


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A network in the form of this module's diagram.

    Attributes:
        scale: The network's scale; the last convolution has scale² output channels, row by row.
        gain: Gain applied to the luma before the first convolution.
        offset: Offset added after the gain.
        convolutions: The convolutions in order.
        skip: A 1×1 convolution of the first one's input, added to the last one's output; None if absent.
    """

    scale: int
    gain: float
    offset: float
    convolutions: tuple[Convolution, ...]
    skip: Convolution | None


@dataclass(frozen=True, kw_only=True)
class _Value:
    """A value of the graph, as the part of the chain that computes it."""

    gain: float = 1.0
    offset: float = 0.0
    convolutions: tuple[Convolution, ...] = ()
    skip: Convolution | None = None


def chain_of(network: ModelProto) -> Chain:
    """Read a network as a chain.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.

    Raises:
        InputError: It is an int8 network, or has an operation or branch that a chain cannot express.

    Example:
        >>> chain = chain_of(load_network(find("subpixel-s", 2).path))
    """
    if is_int8(network):
        raise InputError("the network is an int8 form; give the network that it was made from")
    constants = {each.name: numpy_helper.to_array(each) for each in network.graph.initializer}
    values = {INPUT_NAME: _Value()}
    scale = int(network_metadata(network)["scale"])
    for node in network.graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = _constant(node)
        else:
            values[node.output[0]] = _after(node, values, constants, scale)
    end = values[OUTPUT_NAME]
    return Chain(scale=scale, gain=end.gain, offset=end.offset, convolutions=end.convolutions, skip=end.skip)


def _after(
    node: NodeProto, values: dict[str, _Value], constants: dict[str, NDArray[Any]], scale: int
) -> _Value:
    sources = [values[name] for name in node.input if name in values]
    factors = [constants[name] for name in node.input if name in constants]
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    match node.op_type, sources:
        case "Conv", [source] if source.skip is None:
            return replace(
                source, convolutions=(*source.convolutions, _convolution(node, factors, attributes))
            )
        case (("Relu" | "LeakyRelu" | "Tanh"), [source]) if source.convolutions and source.skip is None:
            *before, last = source.convolutions
            if last.activation == "none":
                active = replace(
                    last,
                    activation=_ACTIVATIONS[node.op_type],
                    slope=float(attributes.get("alpha", 0.01)) if node.op_type == "LeakyRelu" else 0.0,
                )
                return replace(source, convolutions=(*before, active))
        case (("Add" | "Sub" | "Mul"), [source]) if not source.convolutions and _are_scalars(factors):
            return _scaled(node, source, factors[0].item(), constants)
        case "Add", [first, second]:
            return _joined(node, first, second)
        case "DepthToSpace", [source] if _is_last_shuffle(node, source, attributes, scale):
            return source
    raise _not_a_chain(node)


def _convolution(node: NodeProto, constants: list[NDArray[Any]], attributes: dict[str, Any]) -> Convolution:
    weights, bias = constants[0], constants[1] if len(constants) > 1 else np.zeros(len(constants[0]))
    height, width = weights.shape[2:]
    plain = (
        height == width
        and height % 2 == 1
        and list(attributes.get("pads", [0] * 4)) == [height // 2] * 4
        and attributes.get("group", 1) == 1
        and set(attributes.get("strides", [1])) == {1}
        and set(attributes.get("dilations", [1])) == {1}
        and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    )
    if not plain:
        raise _not_a_chain(node)
    return Convolution(weights=weights.astype(np.float32), bias=bias.astype(np.float32))


def _scaled(node: NodeProto, source: _Value, scalar: float, constants: dict[str, NDArray[Any]]) -> _Value:
    if node.op_type == "Mul":
        return replace(source, gain=source.gain * scalar, offset=source.offset * scalar)
    if node.op_type == "Add":
        return replace(source, offset=source.offset + scalar)
    if node.input[0] in constants:  # scalar - value
        return replace(source, gain=-source.gain, offset=scalar - source.offset)
    return replace(source, offset=source.offset - scalar)


def _joined(node: NodeProto, first: _Value, second: _Value) -> _Value:
    """Return the sum of the chain and its skip."""
    if len(first.convolutions) == 1:
        first, second = second, first
    if (
        (first.gain, first.offset) == (second.gain, second.offset)
        and len(first.convolutions) > 1
        and first.skip is None
        and first.convolutions[-1].activation == "none"
        and len(second.convolutions) == 1
        and second.convolutions[0].radius == 0
        and second.convolutions[0].activation == "none"
        # ONNX would broadcast one channel over all.
        and len(first.convolutions[-1].bias) == len(second.convolutions[0].bias)
    ):
        return replace(first, skip=second.convolutions[0])
    raise _not_a_chain(node)


def _are_scalars(constants: list[NDArray[Any]]) -> bool:
    return len(constants) == 1 and constants[0].size == 1


def _is_last_shuffle(node: NodeProto, source: _Value, attributes: dict[str, Any], scale: int) -> bool:
    return (
        node.output[0] == OUTPUT_NAME
        and bool(source.convolutions)
        and attributes["blocksize"] == scale
        and (attributes.get("mode", b"DCR") == b"CRD" or len(source.convolutions[-1].bias) == scale**2)
    )


def _constant(node: NodeProto) -> NDArray[Any]:
    (attribute,) = node.attribute
    value = helper.get_attribute_value(attribute)
    return numpy_helper.to_array(value) if attribute.name == "value" else np.asarray(value)


def _not_a_chain(node: NodeProto) -> InputError:
    return InputError(
        f"the network's operation {node.op_type} ({node.output[0]!r}) cannot be expressed: a shader "
        f"supports {', '.join(OPERATIONS)} in a chain of plain convolutions that ends in a pixel shuffle"
    )
