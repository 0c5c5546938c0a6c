"""Trained weights → ONNX file, written node by node.

The file holds what the network computes and nothing else, so that every
runtime reads it alike: opset 18, named tensors, both image sides dynamic.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from vs_espcn.models import INPUT_NAME, OUTPUT_NAME
from vs_espcn.training.files import write_atomically
from vs_espcn.training.network import CENTRE, SPREAD, Network, Srcnn

_OPSET = 18
_IR_VERSION = 10


def to_onnx(network: Network, facts: Mapping[str, str]) -> onnx.ModelProto:
    """Write a network as an ONNX graph.

    Args:
        network: On any device; not changed.
        facts: How it was trained; joins ``scale`` and ``network`` in the metadata.

    Returns:
        A checked model: ``luma`` float32 (1, 1, H, W), code / 255, to
        ``upscaled`` float32 (1, 1, scale·H, scale·W) on the same footing.
    """
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    # The affine step after the last convolution is part of its weights.
    weights["conv3.weight"] = weights["conv3.weight"] / np.float32(SPREAD)
    weights["conv3.bias"] = weights["conv3.bias"] / np.float32(SPREAD) + np.float32(CENTRE)
    constants = {"centre": np.float32(CENTRE), "spread": np.float32(SPREAD), **weights}
    height, width, scale = "height", "width", network.scale
    if isinstance(network, Srcnn):
        constants["enlargement"] = np.array([1, 1, scale, scale], np.float32)
    graph = helper.make_graph(
        nodes=_nodes(network, weights),
        name=f"{network.name}_x{scale}",
        inputs=[helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [1, 1, height, width])],
        outputs=[
            helper.make_tensor_value_info(
                OUTPUT_NAME, TensorProto.FLOAT, [1, 1, f"{scale}*{height}", f"{scale}*{width}"]
            )
        ],
        initializer=[numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="vs-espcn",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(model, {"scale": str(scale), "network": network.name, **facts})
    onnx.checker.check_model(model, full_check=True)
    return model


def in_bfloat16(network: Network) -> Network:
    """A copy whose convolution weights are bfloat16 numbers, still held as float32.

    Engines that compute in bfloat16 then run with the very weights that those
    in float32 do, and differ from them by one 8-bit code at most. It costs
    about 0.002 dB.
    """
    rounded = deepcopy(network)
    with torch.no_grad():
        for name, tensor in rounded.named_parameters():
            if name.endswith("weight"):
                tensor.copy_(tensor.to(torch.bfloat16))
    return rounded


def save_onnx(network: Network, path: Path, facts: Mapping[str, str]) -> None:
    """Write a network to an ONNX file, its weights in bfloat16, whole or not at all.

    Args:
        network: On any device; not changed.
        path: File to write or replace.
        facts: How it was trained, for the metadata.

    Raises:
        TrainingError: The file cannot be written.
    """
    write_atomically(path, to_onnx(in_bfloat16(network), facts).SerializeToString())


def _nodes(network: Network, weights: Mapping[str, NDArray[np.float32]]) -> list[onnx.NodeProto]:
    if isinstance(network, Srcnn):
        enlarge = helper.make_node(
            "Resize",
            [INPUT_NAME, "", "enlargement"],
            ["enlarged"],
            name="enlarge",
            mode="cubic",
            cubic_coeff_a=-0.5,
            coordinate_transformation_mode="half_pixel",
        )
        return [enlarge, *_convolutions(network, weights, "enlarged", OUTPUT_NAME)]
    shuffle = helper.make_node(
        "DepthToSpace", ["phases"], [OUTPUT_NAME], name="shuffle", blocksize=network.scale, mode="CRD"
    )
    return [*_convolutions(network, weights, INPUT_NAME, "phases"), shuffle]


def _convolutions(
    network: Network, weights: Mapping[str, NDArray[np.float32]], source: str, target: str
) -> list[onnx.NodeProto]:
    activation = {"tanh": "Tanh", "relu": "Relu"}[network.activation]

    def convolution(name: str, source: str, target: str) -> onnx.NodeProto:
        side = weights[f"{name}.weight"].shape[-1]
        inputs = [source, f"{name}.weight", f"{name}.bias"]
        return helper.make_node(
            "Conv", inputs, [target], name=name, kernel_shape=[side, side], pads=[side // 2] * 4
        )

    return [
        helper.make_node("Sub", [source, "centre"], ["centred"], name="sub"),
        helper.make_node("Mul", ["centred", "spread"], ["features0"], name="mul"),
        convolution("conv1", "features0", "sums1"),
        helper.make_node(activation, ["sums1"], ["features1"], name="act1"),
        convolution("conv2", "features1", "sums2"),
        helper.make_node(activation, ["sums2"], ["features2"], name="act2"),
        convolution("conv3", "features2", target),
    ]
