"""Find the receptive field of a network, by which tiles of a frame have to overlap."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from vs_espcn.networks.operator_reach import Node, Span, Unbounded, spans_after
from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME
from vs_espcn.networks.shapes import SIDE, shapes_of


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The receptive field of a network.

    Attributes:
        radius: Its radius in source samples; None if unknown.
        obstacle: Operator and name of the node that makes it unknown.
    """

    radius: int | None
    obstacle: str = ""


def reach_of(network: ModelProto) -> Reach:
    """Find the receptive field of a network.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.
    """
    try:
        spans = _spans(network)
    except Unbounded as error:
        return Reach(radius=None, obstacle=str(error))
    return Reach(radius=max(span.radius for span in spans))


def _spans(network: ModelProto) -> tuple[Span, Span]:
    """Return the spans of the result along height and width."""
    shapes = shapes_of(network)
    source = Span(Fraction(1), Fraction(0), Fraction(0), SIDE)
    known = {INPUT_NAME: (source, source)}
    constants = {each.name: each for each in network.graph.initializer}
    for proto in network.graph.node:
        given = {each.name: helper.get_attribute_value(each) for each in proto.attribute}
        if proto.op_type == "Constant":
            constants[proto.output[0]] = _constant(given)
        has_branches = any(each.HasField("g") or each.graphs for each in proto.attribute)
        if known.keys().isdisjoint(proto.input) and not has_branches:
            continue  # computed from constants alone
        node = Node(
            proto=proto,
            given=given,
            operands=tuple(known.get(name) for name in proto.input),
            shapes=tuple(shapes.get(name, ()) for name in proto.input),
            output=shapes.get(proto.output[0], ()),
            constants=constants,
        )
        spans = spans_after(node)
        known |= dict.fromkeys(filter(None, proto.output), spans)
    if OUTPUT_NAME not in known:
        raise Unbounded(f"output {OUTPUT_NAME!r}, which does not depend on the frame")
    return known[OUTPUT_NAME]


def _constant(given: Mapping[str, Any]) -> TensorProto:
    """Return what a Constant node holds; nothing, if that is a text or sparse."""
    if isinstance(given.get("value"), TensorProto):
        held: TensorProto = given["value"]
        return held
    numbers = [
        given[name] for name in ("value_float", "value_floats", "value_int", "value_ints") if name in given
    ]
    return numpy_helper.from_array(np.array(numbers))
