"""What a network holds as constants: initializers, and nodes that say the same."""

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_NUMBERS = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}


def constants_of(network: ModelProto) -> dict[str, TensorProto]:
    """Every constant by its name; without those that are sparse or texts, which no operator here takes.

    Args:
        network: A network, or a graph made of one.
    """
    held = {each.name: each for each in network.graph.initializer}
    for node in network.graph.node:
        if node.op_type == "Constant" and (value := _value(node)) is not None:
            held[node.output[0]] = value
    return held


def _value(node: NodeProto) -> TensorProto | None:
    if len(node.attribute) != 1:
        return None
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if isinstance(value, TensorProto):
        return value
    if attribute.name in _NUMBERS:
        return numpy_helper.from_array(np.array(value, _NUMBERS[attribute.name]))
    return None
