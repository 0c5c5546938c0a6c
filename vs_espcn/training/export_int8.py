"""Trained int8 weights → the nodes of an ONNX graph.

A value is rounded by a pair of QuantizeLinear and DequantizeLinear; kernels
are stored as codes with one step per output channel. Runtimes with 8-bit
convolutions run on the codes, all others compute the same in float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from vs_espcn.models import INPUT_NAME, OUTPUT_NAME
from vs_espcn.training.network import CENTRE, LEAK, SPREAD, Int8Espcn
from vs_espcn.training.quantization import INPUT_ZERO, LEVELS

OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky": ("LeakyRelu", {"alpha": LEAK}),
}
"""Operation of an activation, and its attributes; an int8 network's clip is the codes' saturation."""

Constants = dict[str, NDArray[np.generic] | np.generic]

_CODES = {
    "conv1": (np.float32(1 / 255), np.uint8(INPUT_ZERO)),
    "conv2": (np.float32(1 / LEVELS), np.int8(0)),
    "conv3": (np.float32(1 / LEVELS), np.int8(0)),
}
"""Step and zero of each convolution's input; 8-bit luma is codes already, which lose nothing."""


def int8_nodes(network: Int8Espcn) -> tuple[list[NodeProto], Constants]:
    """Write the network node by node.

    Args:
        network: From ``vs_espcn.training.rounding``, on any device; not changed.

    Returns:
        Nodes from ``luma`` to ``upscaled``, and the constants that they name.
    """
    constants: Constants = {"centre": np.float32(INPUT_ZERO / 255)}
    nodes = [helper.make_node("Sub", [INPUT_NAME, "centre"], ["centred"], name="sub")]
    # The affine steps around the convolutions are part of their weights.
    gains = {"conv1": np.float32(SPREAD), "conv2": np.float32(1), "conv3": np.float32(1 / SPREAD)}
    source = "centred"
    for name, target in {"conv1": "features1", "conv2": "features2", "conv3": "phases"}.items():
        layer = getattr(network, name)
        steps = network.steps(name).cpu().numpy()
        codes = np.rint(layer.weight.detach().cpu().numpy() / steps[:, None, None, None]).astype(np.int8)
        constants[f"{name}.step"], constants[f"{name}.zero"] = _CODES[name]
        bias = layer.bias.detach().cpu().numpy()
        constants |= {
            f"{name}.weight.codes": codes,
            f"{name}.weight.steps": steps * gains[name],
            f"{name}.weight.zeros": np.zeros_like(steps, np.int8),
            f"{name}.bias": bias / np.float32(SPREAD) + np.float32(CENTRE) if name == "conv3" else bias,
        }
        activation = OPERATORS.get(network.activation) if target != "phases" else None
        nodes += _convolution(name, source, target, side=codes.shape[-1], activation=activation)
        source = target
    shuffle = helper.make_node(
        "DepthToSpace", ["phases"], [OUTPUT_NAME], name="shuffle", blocksize=network.scale, mode="CRD"
    )
    return [*nodes, shuffle], constants


def _convolution(
    name: str, source: str, target: str, *, side: int, activation: tuple[str, dict[str, Any]] | None
) -> list[NodeProto]:
    """A convolution whose input and kernels are codes, and its activation."""
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
