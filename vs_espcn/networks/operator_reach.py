"""Compute the receptive fields of single operators.

A value's sample ``i`` along an axis depends on source samples from
``i / rate + first`` to ``i / rate + last``, where ``rate`` is the number of
the value's samples per source sample. Every operator of known reach widens
that span; any other may depend on the whole frame or on a sample's position.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from onnx import NodeProto, TensorProto, numpy_helper

from vs_espcn.networks.shapes import SIDE


class Unbounded(Exception):  # noqa: N818 - a result rather than an error
    """The output of a node may depend on the whole frame; the text is its operator and name."""


@dataclass(frozen=True)
class Span:
    """The source samples that a value depends on along one axis; see this module's docstring."""

    rate: Fraction
    first: Fraction
    last: Fraction
    length: int  # for a source of SIDE samples

    @property
    def radius(self) -> int:
        """Radius of a result, whose rate is the network's scale, in source samples."""
        return max(0, math.floor(-self.first), math.floor(self.last - 1 / self.rate) + 1)

    @property
    def is_sound(self) -> bool:
        """True if the span is the same for a tile as for the frame.

        All samples that padding adds before and after the value's own must
        have spans that leave the source; and a tile that begins at any source
        sample must begin with a whole sample of the value.
        """
        after = self.last + Fraction(self.length) / self.rate - SIDE
        return self.rate.denominator == 1 and self.first <= 0 <= after


@dataclass(frozen=True)
class Node:
    """A node and what is known of its inputs."""

    proto: NodeProto
    given: Mapping[str, Any]
    operands: tuple[tuple[Span, Span] | None, ...]  # along height and width; None is a constant
    shapes: tuple[tuple[int, ...], ...]  # of its inputs
    output: tuple[int, ...]
    constants: Mapping[str, TensorProto]

    def has(self, index: int) -> bool:
        """Tell whether an optional input is given."""
        return bool(self.proto.input[index : index + 1] not in ([], [""]))

    def numbers(self, index: int) -> list[Any]:
        """Return the values of a constant input; empty if it is absent or computed."""
        held = self.constants.get(self.proto.input[index]) if self.has(index) else None
        return [] if held is None else numpy_helper.to_array(held).ravel().tolist()


_Operation = Callable[[Node], tuple[Span, Span]]


def spans_after(node: Node) -> tuple[Span, Span]:
    """Return the spans of a node's output along height and width.

    Raises:
        Unbounded: The output may depend on the whole frame.
    """
    operation = None if node.proto.domain else _OPERATIONS.get(node.proto.op_type)
    if operation is None or len(node.output) != 4 or not all(node.output[2:]):
        raise _unbounded(node)
    spans = operation(node)
    if not all(span.is_sound for span in spans):
        raise _unbounded(node)
    return spans


def _unbounded(node: Node) -> Unbounded:
    name = node.proto.name or node.proto.output[0]
    return Unbounded(f"{node.proto.op_type} {name[:60]!r}")


def _pointwise(node: Node) -> tuple[Span, Span]:
    """Handle operators on single samples; their constants must be the same all over the frame."""
    for operand, shape, name in zip(node.operands, node.shapes, node.proto.input, strict=True):
        is_told = bool(shape) or name in node.constants
        if operand is None and name and not (is_told and all(side == 1 for side in shape[-2:])):
            raise _unbounded(node)
    moving = [each for each in node.operands if each]
    rows, columns = (_joined(node, [each[axis] for each in moving]) for axis in (0, 1))
    return rows, columns


def _joined(node: Node, spans: Sequence[Span]) -> Span:
    """Return the span of a sample that depends on the same position in several values."""
    if len({(span.rate, span.length) for span in spans}) != 1:
        raise _unbounded(node)
    one = spans[0]
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    return Span(one.rate, first, last, one.length)


def _only_operand(node: Node) -> tuple[Span, Span]:
    """Return the first input's spans; the other inputs must be constant."""
    first, *others = node.operands
    if first is None or any(others):
        raise _unbounded(node)
    return first


def _concat(node: Node) -> tuple[Span, Span]:
    if node.given.get("axis") not in {1, -3} or not all(node.operands):
        raise _unbounded(node)
    return _pointwise(node)


def _normalized(node: Node) -> tuple[Span, Span]:
    """Handle BatchNormalization, which must use the statistics of the training."""
    if node.given.get("training_mode"):
        raise _unbounded(node)
    return _only_operand(node)


def _split(node: Node) -> tuple[Span, Span]:
    if node.given.get("axis", 0) not in {1, -3}:
        raise _unbounded(node)
    return _only_operand(node)


def _quantized(node: Node) -> tuple[Span, Span]:
    """Handle codes with one quantisation step, or with one per channel."""
    steps = node.shapes[1]
    if len(steps) > 1 or (steps and steps != (1,) and node.given.get("axis", 1) not in {1, -3}):
        raise _unbounded(node)
    return _only_operand(node)


def _window(node: Node) -> tuple[Span, Span]:
    """Handle convolutions and pools, which compute a sample from a window."""
    sides = node.shapes[1][2:] if node.proto.op_type == "Conv" else node.given["kernel_shape"]
    source = _only_operand(node)
    if len(sides) != 2 or not all(sides) or len(node.proto.output) > 1:  # MaxPool's indices
        raise _unbounded(node)
    begins = _pads(node, sides)
    strides, dilations = (node.given.get(name, [1, 1]) for name in ("strides", "dilations"))
    rows, columns = (
        Span(
            span.rate / strides[axis],
            span.first - begins[axis] / span.rate,
            span.last + (dilations[axis] * (sides[axis] - 1) - begins[axis]) / span.rate,
            node.output[2 + axis],
        )
        for axis, span in enumerate(source)
    )
    return rows, columns


def _pads(node: Node, sides: Sequence[int]) -> list[int]:
    """Return the numbers of samples that padding adds at the start of each axis."""
    automatic = node.given.get("auto_pad", b"NOTSET")
    if automatic == b"NOTSET":
        return list(node.given.get("pads", [0, 0, 0, 0])[:2])
    if automatic == b"VALID":
        return [0, 0]
    if any(stride != 1 for stride in node.given.get("strides", [1, 1])):
        raise _unbounded(node)  # depends on the length
    dilations = node.given.get("dilations", [1, 1])
    whole = [dilation * (side - 1) for dilation, side in zip(dilations, sides, strict=True)]
    return [(each + (automatic == b"SAME_LOWER")) // 2 for each in whole]


def _transposed(node: Node) -> tuple[Span, Span]:
    """Handle transposed convolutions."""
    sides = node.shapes[1][2:]
    source = _only_operand(node)
    if len(sides) != 2 or not all(sides) or "output_shape" in node.given:
        raise _unbounded(node)
    if node.given.get("auto_pad", b"NOTSET") not in {b"NOTSET", b"VALID"}:
        raise _unbounded(node)
    begins = node.given.get("pads", [0, 0, 0, 0])
    strides, dilations = (node.given.get(name, [1, 1]) for name in ("strides", "dilations"))
    spans = []
    for axis, span in enumerate(source):
        rate = span.rate * strides[axis]
        first = span.first + (begins[axis] - dilations[axis] * (sides[axis] - 1)) / rate
        spans.append(Span(rate, first, span.last + begins[axis] / rate, node.output[2 + axis]))
    return spans[0], spans[1]


def _depth_to_space(node: Node) -> tuple[Span, Span]:
    side = node.given["blocksize"]
    rows, columns = (
        Span(span.rate * side, span.first - (side - 1) / (span.rate * side), span.last, span.length * side)
        for span in _only_operand(node)
    )
    return rows, columns


def _space_to_depth(node: Node) -> tuple[Span, Span]:
    side = node.given["blocksize"]
    rows, columns = (
        Span(span.rate / side, span.first, span.last + (side - 1) / span.rate, span.length // side)
        for span in _only_operand(node)
    )
    return rows, columns


_SUPPORT = {b"nearest": 1, b"linear": 1, b"cubic": 2}
"""Samples that each kernel of Resize takes on either side of a position between samples."""

_CENTRED = {b"half_pixel", b"pytorch_half_pixel", b"half_pixel_symmetric"}


def _resize(node: Node) -> tuple[Span, Span]:
    """Handle resizes by a constant factor that is the same all over the frame."""
    mode = node.given.get("mode", b"nearest")
    places = node.given.get("coordinate_transformation_mode", b"half_pixel")
    factors = [Fraction(each) for each in node.numbers(2)]
    if places not in {*_CENTRED, b"asymmetric"} or mode not in _SUPPORT or "axes" in node.given:
        raise _unbounded(node)
    if len(factors) != 4 or factors[:2] != [1, 1] or min(factors) <= 0:
        raise _unbounded(node)
    if mode == b"nearest" and not all(map(_is_power_of_two, factors)):
        raise _unbounded(node)  # positions are rounded differently across the frame
    spans = []
    for axis, (factor, span) in enumerate(zip(factors[2:], _only_operand(node), strict=True)):
        shrunk = max(Fraction(1), 1 / factor) if node.given.get("antialias") else Fraction(1)
        support = _SUPPORT[mode] * shrunk
        shift = (1 / factor - 1) / 2 if places in _CENTRED else Fraction(0)
        first, last = span.first + (shift - support) / span.rate, span.last + (shift + support) / span.rate
        spans.append(Span(span.rate * factor, first, last, node.output[2 + axis]))
    return spans[0], spans[1]


def _is_power_of_two(number: Fraction) -> bool:
    return all(side & (side - 1) == 0 for side in number.as_integer_ratio())


def _pad(node: Node) -> tuple[Span, Span]:
    """Handle a border of constant width, filled with a constant or with nearby samples."""
    pads = node.numbers(1)
    mode = node.given.get("mode", b"constant")
    if mode not in {b"constant", b"edge", b"reflect"} or node.has(3) or len(pads) != 8 or min(pads) < 0:
        raise _unbounded(node)
    spans = []
    for axis, span in enumerate(_only_operand(node)):
        before = pads[2 + axis] / span.rate
        spans.append(Span(span.rate, span.first - before, span.last - before, node.output[2 + axis]))
    return spans[0], spans[1]


_POINTWISE = (
    "Abs Add Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid "
    "HardSwish Identity LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mul Neg PRelu Pow Reciprocal Relu "
    "Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where"
)

_OPERATIONS: dict[str, _Operation] = {
    **dict.fromkeys(_POINTWISE.split(), _pointwise),
    "BatchNormalization": _normalized,
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _quantized,
    "Concat": _concat,
    "Split": _split,
    "Conv": _window,
    "MaxPool": _window,
    "AveragePool": _window,
    "ConvTranspose": _transposed,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Resize": _resize,
    "Pad": _pad,
}
"""Operators of known reach."""
