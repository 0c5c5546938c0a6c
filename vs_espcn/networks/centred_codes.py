"""Rewrite int8 networks for runtimes that require signed codes with zero point 0, such as TensorRT."""

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from vs_espcn.networks.float_input import dequantized


def with_centred_codes(graph: ModelProto) -> ModelProto:
    """Return an int8 graph whose activations have signed codes with zero point 0.

    Values are shifted before they are rounded, and the bias of the next
    convolution compensates. Its zero padding would not be shifted, so the
    border is added before the rounding instead. TensorRT fuses both steps
    into the kernel that rounds.

    Args:
        graph: A network, or a graph built from one; it is not changed.

    Returns:
        The same computation, except for the rounding of values halfway
        between two codes.
    """
    result = ModelProto()
    result.CopyFrom(graph)
    users: dict[str, list[NodeProto]] = {}
    for node in result.graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    nodes: list[NodeProto] = []
    for node in result.graph.node:
        if node.op_type == "QuantizeLinear":
            nodes += _shifted(result, node, users)
        nodes.append(node)
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def _shifted(graph: ModelProto, rounding: NodeProto, users: dict[str, list[NodeProto]]) -> list[NodeProto]:
    """Adapt the convolution that alone reads unsigned codes; return the nodes to add before the rounding."""
    constants = {each.name: each for each in graph.graph.initializer}
    step, zero = (numpy_helper.to_array(constants[name]) for name in rounding.input[1:3])
    restored = users.get(rounding.output[0], [])
    if zero.dtype != np.uint8 or len(restored) != 1 or len(users.get(restored[0].output[0], [])) != 1:
        return []
    (convolution,) = users[restored[0].output[0]]
    kernels = next((node for node in graph.graph.node if node.output[0] == convolution.input[1]), None)
    if convolution.op_type != "Conv" or kernels is None:
        return []
    shift = np.float32((128 - int(zero)) * step)
    weights = dequantized(kernels, *(numpy_helper.to_array(constants[name]) for name in kernels.input))
    bias = numpy_helper.to_array(constants[convolution.input[2]])
    border = next(each for each in convolution.attribute if each.name == "pads")
    top, left, bottom, right = border.ints
    name = rounding.output[0]
    added = {
        f"{name}.shift": shift,
        f"{name}.border": np.array([0, 0, top, left, 0, 0, bottom, right], np.int64),
        f"{name}.around": -shift,
        f"{name}.centre": np.int8(0),
        f"{name}.bias": bias + shift * weights.sum((1, 2, 3)),
    }
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in added.items()
    )
    nodes = [
        helper.make_node("Sub", [rounding.input[0], f"{name}.shift"], [f"{name}.shifted"]),
        helper.make_node(
            "Pad", [f"{name}.shifted", f"{name}.border", f"{name}.around"], [f"{name}.bordered"]
        ),
    ]
    rounding.input[0], rounding.input[2] = f"{name}.bordered", f"{name}.centre"
    restored[0].input[2] = f"{name}.centre"
    convolution.input[2] = f"{name}.bias"
    border.ints[:] = [0, 0, 0, 0]
    return nodes
