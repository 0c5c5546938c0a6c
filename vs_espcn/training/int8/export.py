"""Convert trained int8 weights to the nodes of an ONNX graph.

A pair of QuantizeLinear and DequantizeLinear rounds a value; kernels are
stored as codes with one step per output channel. Runtimes with 8-bit
convolutions compute on the codes, all others compute the same in float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME
from vs_espcn.training.networks.int8 import CodedConv, Int8Network
from vs_espcn.training.networks.layers import CENTRE, LEAK, SPREAD
from vs_espcn.training.networks.quantization import INPUT_ZERO

_Operator = tuple[str, dict[str, Any]]

OPERATORS: dict[str, _Operator] = {
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky": ("LeakyRelu", {"alpha": LEAK}),
}
"""ONNX operation and attributes of each activation."""

Constants = dict[str, NDArray[np.generic] | np.generic]


def int8_nodes(network: Int8Network) -> tuple[list[NodeProto], Constants]:
    """Convert a network to nodes and constants.

    Args:
        network: A network from ``round_weights``, on any device; it is not changed.

    Returns:
        Nodes from ``luma`` to ``upscaled``, and their constants by name.
    """
    constants: Constants = {"centre": np.float32(INPUT_ZERO / 255)}
    nodes = [helper.make_node("Sub", [INPUT_NAME, "centre"], ["centred"], name="sub")]
    last = len(network.layers)
    source = "centred"
    for number, layer in enumerate(network.layers, start=1):
        name, target = f"conv{number}", f"features{number}"
        activation: _Operator | None = OPERATORS[network.activation]
        if number == last:
            target, activation = ("detail" if network.skip else "phases"), None
        constants |= _constants(name, layer, first=number == 1)
        if (layer.input_gain != 1).any():
            constants[f"{name}.gain"] = layer.input_gain.cpu().numpy()
            nodes.append(helper.make_node("Mul", [source, f"{name}.gain"], [f"{name}.scaled"]))
            source = f"{name}.scaled"
        nodes += _convolution(name, source, target, side=layer.kernel_size[0], activation=activation)
        source = target
    constants |= _back_to_luma(f"conv{last}", network)
    if network.skip:
        nodes += [
            helper.make_node(
                "Conv", ["centred", "skip.weight", "skip.bias"], ["base"], name="skip", kernel_shape=[1, 1]
            ),
            helper.make_node("Add", ["detail", "base"], ["phases"], name="add"),
        ]
    shuffle = helper.make_node(
        "DepthToSpace", ["phases"], [OUTPUT_NAME], name="shuffle", blocksize=network.scale, mode="CRD"
    )
    return [*nodes, shuffle], constants


def _constants(name: str, layer: CodedConv, *, first: bool) -> Constants:
    """Return codes, steps, zero points and bias of a convolution; the first takes luma without `SPREAD`."""
    steps = layer.weight_steps.cpu().numpy()
    codes = np.rint(layer.weight.detach().cpu().numpy() / steps[:, None, None, None]).astype(np.int8)
    gain = np.float32(SPREAD if first else 1)
    return {
        f"{name}.step": np.float32(float(layer.input_step)) / gain,
        f"{name}.zero": np.uint8(int(layer.input_zero) + 128),
        f"{name}.weight.codes": codes,
        f"{name}.weight.steps": steps * gain,
        f"{name}.weight.zeros": np.zeros_like(steps, np.int8),
        f"{name}.bias": layer.bias_.detach().cpu().numpy(),
    }


def _back_to_luma(name: str, network: Int8Network) -> Constants:
    """Return the last convolution's constants, with the affine step after it included, and the skip's."""
    layer, phases = network.layers[-1], network.scale**2
    spread, offset = np.float32(SPREAD), np.float32(0 if network.skip else CENTRE)
    constants: Constants = {
        f"{name}.weight.steps": layer.weight_steps.cpu().numpy() / spread,
        f"{name}.bias": layer.bias_.detach().cpu().numpy() / spread + offset,
    }
    if network.skip:
        constants |= {
            "skip.weight": np.ones((phases, 1, 1, 1), np.float32),
            "skip.bias": np.full(phases, INPUT_ZERO / 255, np.float32),
        }
    return constants


def _convolution(
    name: str, source: str, target: str, *, side: int, activation: _Operator | None
) -> list[NodeProto]:
    """Return the nodes of a convolution on codes, and of its activation."""
    code = [f"{name}.step", f"{name}.zero"]
    kernels = [f"{name}.weight.{part}" for part in ("codes", "steps", "zeros")]
    sums = f"{name}.sums" if activation else target
    nodes = [
        helper.make_node("QuantizeLinear", [source, *code], [f"{name}.codes"], name=f"{name}.round"),
        helper.make_node("DequantizeLinear", [f"{name}.codes", *code], [f"{name}.input"]),
        helper.make_node("DequantizeLinear", kernels, [f"{name}.weight"], axis=0),
        helper.make_node(
            "Conv",
            [f"{name}.input", f"{name}.weight", f"{name}.bias"],
            [sums],
            name=name,
            kernel_shape=[side, side],
            pads=[side // 2] * 4,
        ),
    ]
    if activation is None:
        return nodes
    operation, attributes = activation
    return [*nodes, helper.make_node(operation, [sums], [target], **attributes)]
