"""Do the pixel shuffle while copying into a frame.

On a CPU a runtime's own shuffle takes as long as a convolution, since it moves
samples one by one, and its result must be copied into the frame anyway. So the
graph ends before the shuffle, with the samples of each scale×scale cell next to
each other, and the copy moves whole lines of cells to their positions.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from vs_espcn.networks.graph import UPSCALED_FRAME_NAME
from vs_espcn.networks.registry import OUTPUT_NAME
from vs_espcn.runtime.engine import Plane


def without_shuffle(graph: ModelProto) -> tuple[ModelProto, int]:
    """Return a graph without its pixel shuffle.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`, of static shape; it is not changed.

    Returns:
        A graph that gives the same samples in the order (1, H, W, side²), and
        the side of a cell, for `interleave`. The same graph and 1 if the
        network does not end in a shuffle of ONNX's mode CRD with side 2 or more.
    """
    result = ModelProto()
    result.CopyFrom(graph)
    nodes = list(result.graph.node)
    shuffle = next((node for node in nodes if node.output[0] == OUTPUT_NAME), None)
    if shuffle is None or not _is_shuffle(shuffle):
        return result, 1
    side = helper.get_node_attr_value(shuffle, "blocksize")
    nodes.remove(shuffle)
    for node in nodes:  # the nodes after it treat all samples alike
        node.input[:] = [shuffle.input[0] if name == OUTPUT_NAME else name for name in node.input]
    nodes[-1].output[0] = "video.phases"
    last = helper.make_node("Transpose", ["video.phases"], [UPSCALED_FRAME_NAME], perm=[0, 2, 3, 1])
    _, _, height, width = (each.dim_value for each in result.graph.output[0].type.tensor_type.shape.dim)
    shape = (1, height // side, width // side, side * side)
    sample = result.graph.output[0].type.tensor_type.elem_type
    del result.graph.node[:], result.graph.output[:]
    result.graph.node.extend([*nodes, last])
    result.graph.output.append(helper.make_tensor_value_info(UPSCALED_FRAME_NAME, sample, shape))
    return result, side


def interleave(phases: NDArray[np.generic], target: Plane) -> None:
    """Copy samples to their positions in a plane.

    Args:
        phases: (H, W, side²) with contiguous cells, each with its samples row by row.
        target: (side·H, side·W) of the same type with contiguous rows; all of it is written.
    """
    height, width, _ = phases.shape
    side = target.shape[0] // height
    bytes_of_line = side * phases.itemsize
    # A cell's line moves as one integer if a type of its size exists.
    line = np.dtype(f"u{bytes_of_line}" if bytes_of_line in {2, 4, 8} else f"V{bytes_of_line}")
    rows = target.view(line)  # (side·H, W)
    np.copyto(rows.reshape(height, side, width, copy=False), phases.view(line).transpose(0, 2, 1))


def _is_shuffle(node: NodeProto) -> bool:
    """Tell whether a node is ONNX's DepthToSpace in the shuffle's channel order with blocks above 1."""
    given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return node.op_type == "DepthToSpace" and given.get("mode") == b"CRD" and given["blocksize"] > 1
