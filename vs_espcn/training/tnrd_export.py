"""The nodes of a TNRD in an ONNX file."""

from typing import Any

import numpy as np
import torch
from onnx import NodeProto, helper

from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME
from vs_espcn.training.int8.export import Constants
from vs_espcn.training.networks.layers import CENTRE
from vs_espcn.training.networks.tnrd import MARGIN, SIDE, TABLE_REACH, Stage, Tnrd


@torch.no_grad()
def tnrd_nodes(network: Tnrd, enlarge: NodeProto) -> tuple[list[NodeProto], Constants]:
    """What a TNRD computes.

    Args:
        network: On any device.
        enlarge: Takes the luma to ``enlarged``.

    Returns:
        Nodes and what they hold constant. An influence is a row of a table that GridSample reads.
    """
    centre = np.float32(CENTRE)
    nodes = [
        enlarge,
        helper.make_node("Sub", ["enlarged", "centre"], ["image0"], name="sub"),
        helper.make_node("Sub", [INPUT_NAME, "centre"], ["low"], name="sub_low"),
    ]
    constants: Constants = {"centre": centre, "width": np.float32(TABLE_REACH)}
    margin = network.each_stage()[0].margin
    constants |= {
        "beyond": np.array([0, 0, MARGIN, MARGIN] * 2),
        "beyond_low": np.array([0, 0, margin, margin] * 2),
        "second_place": np.array([0] * 7 + [1]),  # GridSample reads two coordinates
    }
    for number, stage in enumerate(network.each_stage(), start=1):
        more_nodes, more_constants = _stage(stage, number)
        nodes += more_nodes
        constants |= more_constants
    last = f"image{len(network.stages)}"
    return [*nodes, helper.make_node("Add", [last, "centre"], [OUTPUT_NAME], name="add")], constants


def _stage(stage: Stage, number: int) -> tuple[list[NodeProto], Constants]:
    """The nodes from one image to the next."""
    before, after = f"image{number - 1}", f"image{number}"

    def name(of: str) -> str:
        return f"stage{number}.{of}"

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:  # noqa: ANN401 - as ONNX has it
        return helper.make_node(
            operator, inputs, [output], name=f"{name(operator.lower())}_{output}", **attributes
        )

    kernels = stage.kernels()
    constants: Constants = {
        name("filters"): kernels.cpu().numpy(),
        name("turned"): kernels.flip(2, 3).transpose(0, 1).contiguous().cpu().numpy(),
        name("influences"): stage.tables()[:, None, None].cpu().numpy(),
        name("reduction"): stage.reduction.cpu().numpy(),
        name("enlargement"): (stage.reaction * stage.reduction).cpu().numpy(),
    }
    grid = {"padding_mode": "border", "align_corners": 1}
    low = {"strides": [stage.scale] * 2}
    sides = [stage.margin] * 4
    nodes = [
        node("Pad", [before, "beyond"], name("padded"), mode="edge"),
        node("Conv", [name("padded"), name("filters")], name("responses"), kernel_shape=[SIDE] * 2),
        node("Div", [name("responses"), "width"], name("places")),
        node("Transpose", [name("places")], name("rows"), perm=[1, 2, 3, 0]),  # (48, H, W, 1)
        node("Pad", [name("rows"), "second_place"], name("grid")),
        node("GridSample", [name("influences"), name("grid")], name("values"), **grid),
        node("Transpose", [name("values")], name("flow"), perm=[1, 0, 2, 3]),  # (1, 48, H, W)
        node(
            "Conv",
            [name("flow"), name("turned")],
            name("diffusion"),
            kernel_shape=[SIDE] * 2,
            pads=[MARGIN] * 4,
        ),
        node("Pad", [before, "beyond_low"], name("padded_low"), mode="edge"),
        node("Conv", [name("padded_low"), name("reduction")], name("reduced"), **low),
        node("Sub", [name("reduced"), "low"], name("misfit")),
        node("ConvTranspose", [name("misfit"), name("enlargement")], name("force"), pads=sides, **low),
        node("Sub", [before, name("diffusion")], name("diffused")),
        node("Sub", [name("diffused"), name("force")], after),
    ]
    return nodes, constants
