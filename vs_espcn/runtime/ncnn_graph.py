"""A graph in ncnn's text format, and what of it the computer does itself.

The samples' way to the network's footing and back is a gain and an offset at either end, which need
float32 whatever the network is computed in; ncnn gets what lies between. The format:
https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from vs_espcn.errors import BackendError
from vs_espcn.networks.constants import constants_of
from vs_espcn.networks.graph import FRAME_NAME, UPSCALED_FRAME_NAME

INPUT_BLOB, OUTPUT_BLOB = "source", "target"

_MAGIC = 7767517
_BINARY = {"Add": 0, "Sub": 1, "Mul": 2}
_SUBTRACTED_FROM = 7
OPERATIONS = ("Add", "Concat", "Conv", "DepthToSpace", "LeakyRelu", "Mul", "Relu", "Sub", "Tanh")
"""ONNX's operations that can be expressed between the ends."""


@dataclass(frozen=True, kw_only=True)
class Affine:
    """``gain · value + offset``."""

    gain: float = 1.0
    offset: float = 0.0

    def then(self, node: NodeProto, constants: dict[str, NDArray[Any]]) -> "Affine":
        """With an Add, Sub or Mul of a scalar after it."""
        (scalar,) = (constants[name].item() for name in node.input if name in constants)
        if node.op_type == "Mul":
            return Affine(gain=self.gain * scalar, offset=self.offset * scalar)
        if node.op_type == "Add":
            return Affine(gain=self.gain, offset=self.offset + scalar)
        if node.input[0] in constants:
            return Affine(gain=-self.gain, offset=scalar - self.offset)
        return Affine(gain=self.gain, offset=self.offset - scalar)


@dataclass(frozen=True, kw_only=True)
class NcnnGraph:
    """A graph for ncnn, from `INPUT_BLOB` to `OUTPUT_BLOB`, and its ends.

    Attributes:
        param: The layers, as the text of a ``.param`` file.
        weights: Their weights, as the bytes of a ``.bin`` file.
        source: From samples to what ncnn takes.
        target: From what ncnn gives to samples.
        limits: Between which codes are clamped, before they are rounded; None for floats.
    """

    param: str
    weights: bytes
    source: Affine
    target: Affine
    limits: tuple[float, float] | None


def ncnn_graph(graph: ModelProto) -> NcnnGraph:
    """Write a graph in ncnn's format.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`, of static shape.

    Raises:
        BackendError: It has an operation that cannot be expressed; the text names it.
    """
    constants = {name: numpy_helper.to_array(each) for name, each in constants_of(graph).items()}
    nodes = [node for node in graph.graph.node if node.output[0] not in constants]
    first, source = _head(nodes, constants)
    last, target, limits = _tail(nodes, constants)
    height, width = (dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim[2:])
    writer = _Writer(constants, last, Counter(name for node in nodes for name in node.input))
    writer.begin(first, width, height)
    activations = _fused(nodes, writer.uses)
    for node in nodes:
        if node not in activations.values():
            writer.add(node, activations.get(node.output[0]))
    return NcnnGraph(
        param=writer.text(),
        weights=b"".join(writer.weights),
        source=source,
        target=target,
        limits=limits,
    )


def _head(nodes: list[NodeProto], constants: dict[str, NDArray[Any]]) -> tuple[str, Affine]:
    """Take the input's casts and scalars off; the name of the value after them."""
    value, affine = FRAME_NAME, Affine()
    while True:
        users = [node for node in nodes if value in node.input]
        if len(users) != 1 or not (users[0].op_type == "Cast" or _is_scalar(users[0], constants)):
            return value, affine
        (node,) = users
        if node.op_type != "Cast":
            affine = affine.then(node, constants)
        nodes.remove(node)
        value = node.output[0]


def _tail(
    nodes: list[NodeProto], constants: dict[str, NDArray[Any]]
) -> tuple[str, Affine, tuple[float, float] | None]:
    """Take the output's scalars, clamp, rounding and cast off; the name of the value before them."""
    value, scalars = UPSCALED_FRAME_NAME, list[NodeProto]()
    limits = None
    while True:
        (node,) = (each for each in nodes if value in each.output)
        match node.op_type:
            case "Cast" | "Round" if not scalars:
                pass
            case "Clip" if limits is None and not scalars:
                low, high = (constants[name].item() for name in node.input[1:])
                limits = low, high
            case _ if _is_scalar(node, constants):
                scalars.append(node)
            case _:
                break
        nodes.remove(node)
        value = next(name for name in node.input if name not in constants)
    affine = Affine()
    for node in reversed(scalars):
        affine = affine.then(node, constants)
    return value, affine, limits


def _fused(nodes: list[NodeProto], uses: Counter[str]) -> dict[str, NodeProto]:
    """Activations that ncnn computes as part of a convolution, by that one's output."""
    convolved = {node.output[0] for node in nodes if node.op_type == "Conv"}
    return {
        node.input[0]: node
        for node in nodes
        if node.op_type in {"Relu", "LeakyRelu"} and node.input[0] in convolved and uses[node.input[0]] == 1
    }


def _is_scalar(node: NodeProto, constants: dict[str, NDArray[Any]]) -> bool:
    given = [constants[name] for name in node.input if name in constants]
    return node.op_type in _BINARY and len(given) == 1 and given[0].size == 1


@dataclass
class _Writer:
    """Writes layer after layer; a blob of ncnn has one user, so each value has a blob for every use."""

    constants: dict[str, NDArray[Any]]
    last: str
    uses: Counter[str]
    weights: list[bytes] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _blobs: int = 0
    _free: dict[str, list[str]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    def begin(self, value: str, width: int, height: int) -> None:
        """Write the input."""
        self._layer("Input", [], value, f"0={width} 1={height} 2=1", blob=INPUT_BLOB)

    def text(self) -> str:
        """All layers."""
        return "\n".join([str(_MAGIC), f"{len(self._lines)} {self._blobs}", *self._lines, ""])

    def add(self, node: NodeProto, activation: NodeProto | None) -> None:
        """Write a node, a convolution with its activation."""
        given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        operands = [self.constants[name] for name in node.input if name in self.constants]
        values = [name for name in node.input if name not in self.constants]
        match node.op_type:
            case "Conv" if len(values) == 1 and given.get("auto_pad", b"NOTSET") == b"NOTSET":
                self._convolution(node, activation, values, operands)
            case "Relu":
                self._layer("ReLU", values, node.output[0])
            case "LeakyRelu":
                self._layer("ReLU", values, node.output[0], f"0={_float(given.get('alpha', 0.01))}")
            case "Tanh":
                self._layer("TanH", values, node.output[0])
            case "Concat" if not operands and given["axis"] in {1, -3}:
                self._layer("Concat", values, node.output[0], "0=0")
            case "DepthToSpace":
                mode = int(given.get("mode", b"DCR") == b"DCR")
                self._layer("PixelShuffle", values, node.output[0], f"0={given['blocksize']} 1={mode}")
            case "Add" | "Sub" | "Mul" if len(values) == 2:
                self._layer("BinaryOp", values, node.output[0], f"0={_BINARY[node.op_type]}")
            case "Add" | "Sub" | "Mul" if _is_scalar(node, self.constants):
                turned = node.op_type == "Sub" and node.input[0] in self.constants
                kind = _SUBTRACTED_FROM if turned else _BINARY[node.op_type]
                scalar = _float(operands[0].item())
                self._layer("BinaryOp", values, node.output[0], f"0={kind} 1=1 2={scalar}")
            case _:
                raise BackendError(
                    f"the network has the operation {node.op_type} ({node.output[0]!r}), which the backend "
                    f"'vulkan' cannot express in this form; it knows {', '.join(OPERATIONS)}; "
                    "use another backend"
                )

    def _convolution(
        self,
        node: NodeProto,
        activation: NodeProto | None,
        values: list[str],
        operands: list[NDArray[Any]],
    ) -> None:
        given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        kernel = operands[0]
        channels, _, height, width = kernel.shape
        top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
        parameters = {
            0: channels,
            1: width,
            11: height,
            2: given.get("dilations", [1, 1])[1],
            12: given.get("dilations", [1, 1])[0],
            3: given.get("strides", [1, 1])[1],
            13: given.get("strides", [1, 1])[0],
            4: left,
            14: top,
            15: right,
            16: bottom,
            5: int(len(operands) > 1),
            6: kernel.size,
        }
        kind = "Convolution"
        if given.get("group", 1) > 1:
            kind, parameters[7] = "ConvolutionDepthWise", given["group"]
        told = " ".join(f"{key}={each}" for key, each in parameters.items())
        end = activation or node
        self._layer(kind, values, end.output[0], told + (_activation(activation) if activation else ""))
        self.weights.append(bytes(4))  # what follows is float32
        self.weights += [each.astype("<f4").tobytes() for each in operands]

    def _layer(
        self, kind: str, values: list[str], output: str, parameters: str = "", *, blob: str | None = None
    ) -> None:
        blob = blob or (OUTPUT_BLOB if output == self.last else f"b{next(self._numbers)}")
        sources = [self._free[value].pop(0) for value in values]
        self._lines.append(
            " ".join([kind, f"l{len(self._lines)}", f"{len(sources)} 1", *sources, blob, parameters]).rstrip()
        )
        self._blobs += 1
        uses = self.uses[output]
        if uses < 2:
            self._free[output] = [blob]
            return
        parts = [f"{blob}_{index}" for index in range(uses)]
        self._lines.append(" ".join(["Split", f"l{len(self._lines)}", f"1 {uses}", blob, *parts]))
        self._blobs += uses
        self._free[output] = parts


def _activation(node: NodeProto) -> str:
    """A convolution's parameters for what follows it."""
    if node.op_type == "Relu":
        return " 9=1"
    slope = next((each.f for each in node.attribute if each.name == "alpha"), 0.01)
    return f" 9=2 -23310=1,{_float(slope)}"


def _float(value: float) -> str:
    """A number as ncnn reads floats: with a point, as "1" is an integer to it, and within 15 characters."""
    return f"{value:.8e}"


def samples_to_floats(source: NDArray[np.generic], affine: Affine, target: NDArray[np.float32]) -> None:
    """Write ``gain · source + offset`` into a float32 array of the same shape."""
    np.multiply(source, np.float32(affine.gain), out=target, dtype=np.float32, casting="unsafe")
    if affine.offset:
        target += np.float32(affine.offset)


def floats_to_samples(
    values: NDArray[np.float32],
    affine: Affine,
    limits: tuple[float, float] | None,
    target: NDArray[np.generic],
) -> None:
    """Write ``gain · values + offset`` into samples, clamped and rounded if they are codes.

    Args:
        values: Overwritten.
        affine: As of `NcnnGraph.target`.
        limits: As of `NcnnGraph.limits`.
        target: Of the same shape.
    """
    values *= np.float32(affine.gain)
    if affine.offset:
        values += np.float32(affine.offset)
    if limits is not None:
        np.clip(values, *limits, out=values)
        np.rint(values, out=values)
    np.copyto(target, values, casting="unsafe")
