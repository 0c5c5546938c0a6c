"""Estimate a network's error in bf16 from its file, on any processor.

A processor with bf16 rounds the inputs of convolutions and resizes to 8
significant bits and accumulates in float32. It also rounds the weights; that
error is the same for the whole picture and shifts flat areas.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.networks.reach import reach_of
from vs_espcn.networks.registry import CONVOLUTIONS, INPUT_NAME

_HEIGHT, _WIDTH = 24, 32
_MEAN_ERROR, _LARGEST_ERROR = 0.25, 1.0


def has_bf16_weights(network: ModelProto) -> bool:
    """Tell whether bf16 holds all convolution weights exactly, as it does those of the shipped networks.

    Args:
        network: A network, or a graph built from one. Weights computed in the graph count as inexact.
    """
    held = {each.name: each for each in network.graph.initializer}
    for node in network.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            held[node.output[0]] = node.attribute[0].t
    names = {node.input[1] for node in network.graph.node if node.op_type in CONVOLUTIONS}
    return names <= held.keys() and all(_are_bf16(held[name]) for name in names)


def _are_bf16(weights: TensorProto) -> bool:
    values = np.ascontiguousarray(numpy_helper.to_array(weights), np.float32)
    return not np.any(values.view(np.uint32) & 0xFFFF)


def is_close_in_bf16(network: ModelProto) -> bool:
    """Tell whether bf16 hardly changes a small test picture.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.

    Returns:
        True if samples differ by at most one 8-bit code, and by at most a
        quarter of a code on average; False if that cannot be computed.
    """
    if reach_of(network).radius is None:
        return False
    picture = _picture()
    try:
        exact, rounded = (_run(model, picture) for model in (network, rounding_to_bf16(network)))
    except Exception:  # a damaged network may raise anything; the engine will report it
        return False
    error = 255 * np.abs(exact - rounded)
    return bool(error.mean() <= _MEAN_ERROR and error.max() <= _LARGEST_ERROR)


def rounding_to_bf16(network: ModelProto) -> ModelProto:
    """Return a network that rounds inputs of convolutions and resizes to bf16 and computes in float32.

    Args:
        network: A network; it is not changed.
    """
    nodes: list[NodeProto] = []
    for index, node in enumerate(network.graph.node):
        rounding = NodeProto()
        rounding.CopyFrom(node)
        for place in range({**dict.fromkeys(CONVOLUTIONS, 2), "Resize": 1}.get(node.op_type, 0)):
            codes, values = f"bf16.{index}.{place}.codes", f"bf16.{index}.{place}.values"
            nodes.append(helper.make_node("Cast", [node.input[place]], [codes], to=TensorProto.BFLOAT16))
            nodes.append(helper.make_node("Cast", [codes], [values], to=TensorProto.FLOAT))
            rounding.input[place] = values
        nodes.append(rounding)
    result = ModelProto()
    result.CopyFrom(network)
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def _picture() -> NDArray[np.float32]:
    """Return luma of shape (1, 1, height, width) with a ramp, an edge and texture."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float64)
    texture = 30 * np.sin(x * y / 10) * (y > _HEIGHT / 2)
    disc = 60 * (np.hypot(x - _WIDTH / 2, y - _HEIGHT / 2) < _HEIGHT / 4)
    codes = np.clip(40 + 5 * x + texture - disc, 16, 235).round()
    return np.float32(codes / 255)[None, None]


def _run(model: ModelProto, picture: NDArray[np.float32]) -> NDArray[np.float64]:
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - takes a third of a second to load

    (luma,) = ReferenceEvaluator(model).run(None, {INPUT_NAME: picture})
    return np.asarray(luma, np.float64)
