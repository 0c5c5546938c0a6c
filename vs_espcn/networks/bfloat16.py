"""What a network loses in bf16 arithmetic, told from its file, on any processor.

A processor with bf16 rounds what goes into a convolution or a resize to 8
significant bits, and adds in float32. Weights that are no bf16 numbers are
rounded as well, each once for the whole picture, which shifts flat areas.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.networks.constants import constants_of
from vs_espcn.networks.reach import reach_of
from vs_espcn.networks.registry import CONVOLUTIONS, INPUT_NAME

_HEIGHT, _WIDTH = 24, 32
_MEAN_ERROR, _LARGEST_ERROR = 0.25, 1.0


def has_bf16_weights(network: ModelProto) -> bool:
    """Return True if all weights of convolutions are bf16 numbers, as those of the shipped networks are.

    Args:
        network: A network, or a graph made of one. Weights that it computes count as others.
    """
    held = constants_of(network)
    names = {node.input[1] for node in network.graph.node if node.op_type in CONVOLUTIONS}
    return names <= held.keys() and all(_are_bf16(held[name]) for name in names)


def _are_bf16(weights: TensorProto) -> bool:
    values = np.ascontiguousarray(numpy_helper.to_array(weights), np.float32)
    return not np.any(values.view(np.uint32) & 0xFFFF)


def is_close_in_bf16(network: ModelProto) -> bool:
    """Compute a small picture with and without the rounding of bf16, and compare.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.

    Returns:
        True if no sample differs by more than a code of 8 bits, and the mean
        by a quarter at most; False where an operator is of unknown reach.
    """
    if reach_of(network).radius is None:
        return False
    picture = _picture()
    try:
        exact, rounded = (_run(model, picture) for model in (network, rounding_to_bf16(network)))
    except Exception:  # whatever a damaged network makes of it; an engine will say what is wrong
        return False
    error = 255 * np.abs(exact - rounded)
    return bool(error.mean() <= _MEAN_ERROR and error.max() <= _LARGEST_ERROR)


def rounding_to_bf16(network: ModelProto) -> ModelProto:
    """Round what convolutions and resizes take to bf16, and compute the rest in float32.

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
    """A ramp, an edge and texture, as pictures have them: luma (1, 1, height, width)."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float64)
    texture = 30 * np.sin(x * y / 10) * (y > _HEIGHT / 2)
    disc = 60 * (np.hypot(x - _WIDTH / 2, y - _HEIGHT / 2) < _HEIGHT / 4)
    codes = np.clip(40 + 5 * x + texture - disc, 16, 235).round()
    return np.float32(codes / 255)[None, None]


def _run(model: ModelProto, picture: NDArray[np.float32]) -> NDArray[np.float64]:
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - takes a third of a second to load

    (luma,) = ReferenceEvaluator(model).run(None, {INPUT_NAME: picture})
    return np.asarray(luma, np.float64)
