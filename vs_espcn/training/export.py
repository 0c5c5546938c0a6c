"""Write trained weights to an ONNX file, node by node.

The file holds only what the network computes, so that all runtimes read it
alike: opset 18, named tensors, dynamic height and width.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME
from vs_espcn.training.files import write_atomically
from vs_espcn.training.int8.export import OPERATORS, Constants, int8_nodes
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import CENTRE, SPREAD, Network, Srcnn
from vs_espcn.training.networks.subpixel import Subpixel
from vs_espcn.training.networks.tnrd import Tnrd
from vs_espcn.training.tnrd_export import tnrd_nodes

_OPSET = 18
_IR_VERSION = 10


def to_onnx(network: Network, facts: Mapping[str, str]) -> onnx.ModelProto:
    """Convert a network to an ONNX model.

    Args:
        network: A network on any device; it is not changed.
        facts: Facts about the training, for the metadata besides ``scale`` and ``network``.

    Returns:
        A checked model: ``luma`` float32 (1, 1, H, W), code / 255, to
        ``upscaled`` float32 (1, 1, scale·H, scale·W), in the same range.
    """
    height, width, scale = "height", "width", network.scale
    if isinstance(network, Int8Network):
        nodes, constants = int8_nodes(network)
    elif isinstance(network, Tnrd):
        nodes, constants = tnrd_nodes(network, _enlarge())
        constants["enlargement"] = _enlargement(network)
    else:
        nodes, constants = _nodes(network), _constants(network)
    graph = helper.make_graph(
        nodes=nodes,
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


def in_bfloat16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose convolution weights are rounded to bfloat16, still stored as float32.

    Engines in bfloat16 then use exactly the same weights as those in float32,
    and results differ by at most one 8-bit code. The rounding costs about
    0.002 dB.
    """
    rounded = onnx.ModelProto()
    rounded.CopyFrom(model)
    for constant in rounded.graph.initializer:
        if constant.name.endswith("weight"):
            exact = torch.from_numpy(numpy_helper.to_array(constant).copy())
            constant.CopyFrom(
                numpy_helper.from_array(exact.to(torch.bfloat16).float().numpy(), constant.name)
            )
    return rounded


def save_onnx(network: Network, path: Path, facts: Mapping[str, str]) -> None:
    """Write a network to an ONNX file atomically, with weights rounded to bfloat16 or int8.

    Args:
        network: A network on any device; it is not changed.
        path: File to write or replace.
        facts: Facts about the training, for the metadata.

    Raises:
        TrainingError: The file cannot be written.
    """
    write_atomically(path, in_bfloat16(to_onnx(network, facts)).SerializeToString())


def _constants(network: Network) -> Constants:
    """Return weights and scalars by name; the last convolution's weights include the affine step after it."""
    layers = _layers(network)
    constants: dict[str, Any] = {"centre": CENTRE, "spread": SPREAD}
    for name, (kernel, bias) in layers.items():
        last = name == list(layers)[-1]
        constants[f"{name}.weight"] = kernel / SPREAD if last else kernel
        constants[f"{name}.bias"] = bias / SPREAD + CENTRE if last else bias
    if isinstance(network, Srcnn):
        constants["enlargement"] = _enlargement(network)
    if isinstance(network, Subpixel):
        constants["skip.weight"] = np.full((network.scale**2, 1, 1, 1), 1 / SPREAD)
        constants["skip.bias"] = np.zeros(network.scale**2)
    return {name: np.asarray(value, np.float32) for name, value in constants.items()}


@torch.no_grad()
def _layers(network: Network) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return kernel and bias of each convolution, in order of execution."""
    folded = network.folded()
    return {
        f"conv{number}": (kernel.cpu().numpy(), bias.cpu().numpy())
        for number, (kernel, bias) in enumerate(folded, start=1)
    }


def _nodes(network: Network) -> list[onnx.NodeProto]:
    shuffle = helper.make_node(
        "DepthToSpace", ["phases"], [OUTPUT_NAME], name="shuffle", blocksize=network.scale, mode="CRD"
    )
    if isinstance(network, Srcnn):
        return [_enlarge(), *_convolutions(network, "enlarged", OUTPUT_NAME)]
    if isinstance(network, Subpixel):
        skip = [
            _convolution("skip", "features0", "base", side=1),
            helper.make_node("Add", ["detail", "base"], ["phases"], name="add"),
        ]
        return [*_convolutions(network, INPUT_NAME, "detail"), *skip, shuffle]
    return [*_convolutions(network, INPUT_NAME, "phases"), shuffle]


def _enlarge() -> onnx.NodeProto:
    """The bicubic enlargement that the baselines start from."""
    return helper.make_node(
        "Resize",
        [INPUT_NAME, "", "enlargement"],
        ["enlarged"],
        name="enlarge",
        mode="cubic",
        cubic_coeff_a=-0.5,
        coordinate_transformation_mode="half_pixel",
    )


def _enlargement(network: Network) -> NDArray[np.float32]:
    return np.array([1, 1, network.scale, network.scale], np.float32)


def _convolutions(network: Network, source: str, target: str) -> list[onnx.NodeProto]:
    operation, attributes = OPERATORS[network.activation]
    sides = [kernel.shape[-1] for kernel, _ in _layers(network).values()]
    nodes = [
        helper.make_node("Sub", [source, "centre"], ["centred"], name="sub"),
        helper.make_node("Mul", ["centred", "spread"], ["features0"], name="mul"),
    ]
    for number, side in enumerate(sides[:-1], start=1):
        features, sums, results = f"features{number - 1}", f"sums{number}", f"features{number}"
        nodes += [
            _convolution(f"conv{number}", features, sums, side=side),
            helper.make_node(operation, [sums], [results], name=f"act{number}", **attributes),
        ]
    last = len(sides)
    return [*nodes, _convolution(f"conv{last}", f"features{last - 1}", target, side=sides[-1])]


def _convolution(name: str, source: str, target: str, *, side: int) -> onnx.NodeProto:
    inputs = [source, f"{name}.weight", f"{name}.bias"]
    return helper.make_node(
        "Conv", inputs, [target], name=name, kernel_shape=[side, side], pads=[side // 2] * 4
    )
