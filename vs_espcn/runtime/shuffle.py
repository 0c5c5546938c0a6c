"""The pixel shuffle as part of the copy into a frame.

On a CPU a runtime's own shuffle takes as long as a convolution, since it moves
samples one by one. What it gives is copied into the frame afterwards in any
case. So the graph ends before it, with all samples of a scale×scale cell side
by side, and the copy moves whole lines of cells to their places.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from vs_espcn.networks.graph import UPSCALED_FRAME_NAME
from vs_espcn.networks.registry import OUTPUT_NAME
from vs_espcn.runtime.engine import Plane


def without_shuffle(graph: ModelProto) -> tuple[ModelProto, int]:
    """Leave out a graph's pixel shuffle.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`, of static shape; it is not changed.

    Returns:
        The same computation up to the order of its samples, (1, H, W, side²),
        and the side of a cell, for `interleave`. Where the network does not
        end in a shuffle (of ONNX's mode CRD) that moves anything, the graph
        itself and 1.
    """
    result = ModelProto()
    result.CopyFrom(graph)
    nodes = list(result.graph.node)
    shuffle = next((node for node in nodes if node.output[0] == OUTPUT_NAME), None)
    if shuffle is None or not _is_shuffle(shuffle):
        return result, 1
    side = helper.get_node_attr_value(shuffle, "blocksize")
    nodes.remove(shuffle)
    for node in nodes:  # what follows treats every sample alike
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
    """Copy samples to their places in a plane.

    Args:
        phases: (H, W, side²), cells contiguous; sample ``side·row + column`` is at that place of its cell.
        target: (side·H, side·W), of the same type, its rows contiguous; written whole.
    """
    height, width, _ = phases.shape
    side = target.shape[0] // height
    bytes_of_line = side * phases.itemsize
    # A cell's line moves as one number where there is one of its size.
    line = np.dtype(f"u{bytes_of_line}" if bytes_of_line in {2, 4, 8} else f"V{bytes_of_line}")
    rows = target.view(line)  # (side·H, W)
    np.copyto(rows.reshape(height, side, width, copy=False), phases.view(line).transpose(0, 2, 1))


def _is_shuffle(node: NodeProto) -> bool:
    """Whether it is ONNX's DepthToSpace in the channel order of the shuffle, of more than one sample."""
    given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return node.op_type == "DepthToSpace" and given.get("mode") == b"CRD" and given["blocksize"] > 1
