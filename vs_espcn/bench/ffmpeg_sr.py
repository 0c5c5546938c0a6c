"""A network in the file format of ffmpeg's ``sr`` and its native backend, which ffmpeg had until 6.0."""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from vs_espcn.errors import InputError

INPUT, OUTPUT = "x", "y"
"""What the filter calls the two ends unless told otherwise."""

_MAGIC, _VERSION = b"FFMPEGDNNNATIVE", (1, 23)
_CONV, _DEPTH_TO_SPACE = 1, 2
_ACTIVATIONS = {"Relu": 0, "Tanh": 1, None: 3}
_SAME_PADDING = 1
_FLOAT = 1
_IN, _OUT, _BETWEEN = 1, 2, 3

_Weights = NDArray[np.float32]


def native_model(network: ModelProto, scale: int) -> bytes:
    """Convert a network (libavfilter's ``dnn_backend_native.c`` is what reads it).

    An affine map before the first convolution goes into its weights, so that
    the outermost samples of a frame come out a little different.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.
        scale: Its scale.

    Raises:
        InputError: It holds an operation that the format cannot express.
    """
    layers = list(_convolutions(network))
    last = len(layers)
    chunks = [_MAGIC, struct.pack("<2i", *_VERSION)]
    for number, (kernel, bias, activation) in enumerate(layers):
        out_channels, in_channels, side, _ = kernel.shape
        header = (_CONV, 1, _SAME_PADDING, _ACTIVATIONS[activation], in_channels, out_channels, side, 1)
        weights = np.ascontiguousarray(kernel.transpose(0, 2, 3, 1), "<f4")
        chunks += [struct.pack("<8i", *header), weights.tobytes(), bias.astype("<f4").tobytes()]
        chunks.append(struct.pack("<2i", number, number + 1))
    chunks.append(struct.pack("<4i", _DEPTH_TO_SPACE, scale, last, last + 1))
    chunks += [_operand(number, last + 1) for number in range(last + 2)]
    return b"".join([*chunks, struct.pack("<2i", last + 1, last + 2)])


def _operand(number: int, last: int) -> bytes:
    name = {0: INPUT, last: OUTPUT}.get(number, f"between{number}").encode() + b"\0"
    kind = {0: _IN, last: _OUT}.get(number, _BETWEEN)
    return struct.pack(f"<2i{len(name)}s6i", number, len(name), name, kind, _FLOAT, 1, -1, -1, 1)


def _convolutions(network: ModelProto) -> Iterator[tuple[_Weights, _Weights, str | None]]:
    """Each convolution's weights and bias, and the activation that follows it."""
    constants = {each.name: numpy_helper.to_array(each) for each in network.graph.initializer}
    gain, offset = 1.0, 0.0
    pending: tuple[_Weights, _Weights] | None = None
    for node in network.graph.node:
        match node.op_type:
            case "Sub":
                offset -= float(constants[node.input[1]])
            case "Mul":
                factor = float(constants[node.input[1]])
                gain, offset = gain * factor, offset * factor
            case "Conv":
                if pending:
                    yield *pending, None
                kernel, bias = (constants[name] for name in node.input[1:])
                pending = kernel * np.float32(gain), bias + np.float32(offset) * kernel.sum((1, 2, 3))
                gain, offset = 1.0, 0.0
            case "Relu" | "Tanh" if pending:
                yield *pending, node.op_type
                pending = None
            case "DepthToSpace":
                pass
            case other:
                raise InputError(f"the network has the operation {other}, which ffmpeg's sr cannot run")
    if pending:
        yield *pending, None
