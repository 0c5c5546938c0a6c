"""A slow, plain float64 model of the filter's luma, written from the definitions."""

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from vs_espcn.networks import registry

Image = NDArray[np.float64]


def upscale_luma(
    samples: NDArray[np.generic], scale: int, *, depth: int | None, full_range: bool, network: str = "espcn"
) -> Image:
    """What the filter makes of a plane, before it rounds.

    Args:
        samples: (height, width), codes of `depth` bits, or floats if it is None.
    """
    if depth is None:
        black, white = 0.0, 1.0
    elif full_range:
        black, white = 0.0, 2.0**depth - 1
    else:
        black, white = 16.0 * 2 ** (depth - 8), 235.0 * 2 ** (depth - 8)
    # Studio black and white are 16 / 255 and 235 / 255 to a network.
    luma = (16 + 219 * (samples.astype(np.float64) - black) / (white - black)) / 255
    upscaled = run_network(registry.find(network, scale), luma)
    result = black + (upscaled * 255 - 16) / 219 * (white - black)
    return result if depth is None else np.clip(result, 0, 2.0**depth - 1)


def run_network(spec: registry.ModelSpec, luma: Image) -> Image:
    """The layers of a network's file, one after the other."""
    graph = onnx.load(spec.path).graph
    values = {each.name: numpy_helper.to_array(each).astype(np.float64) for each in graph.initializer}
    values[registry.INPUT_NAME] = luma[None]
    for node in graph.node:
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        operands = [values[name] for name in node.input]
        values[node.output[0]] = _OPERATORS[node.op_type](attributes, *operands)
    return values[registry.OUTPUT_NAME][0]


def convolve(values: Image, weights: Image, bias: Image) -> Image:
    """(channels, height, width), zeros outside."""
    out_channels, _, side, _ = weights.shape
    radius = side // 2
    height, width = values.shape[1:]
    padded = np.pad(values, ((0, 0), (radius, radius), (radius, radius)))
    result = np.zeros((out_channels, height, width)) + bias[:, None, None]
    for dy in range(side):
        for dx in range(side):
            window = padded[:, dy : dy + height, dx : dx + width]
            result += np.tensordot(weights[:, :, dy, dx], window, axes=1)
    return result


def pixel_shuffle(values: Image, scale: int) -> Image:
    """Channel c of an input sample becomes row c // scale, column c % scale of its square."""
    _, height, width = values.shape
    result = np.empty((1, height * scale, width * scale))
    for channel, phase in enumerate(values):
        result[0, channel // scale :: scale, channel % scale :: scale] = phase
    return result


_OPERATORS: dict[str, Callable[..., Image]] = {
    "Add": lambda _, first, second: first + second,
    "Sub": lambda _, first, second: first - second,
    "Mul": lambda _, first, second: first * second,
    "Conv": lambda _, values, weights, bias: convolve(values, weights, bias),
    "Tanh": lambda _, values: np.tanh(values),
    "Relu": lambda _, values: np.maximum(values, 0),
    "LeakyRelu": lambda attributes, values: np.where(values < 0, attributes["alpha"] * values, values),
    "DepthToSpace": lambda attributes, values: pixel_shuffle(values, attributes["blocksize"]),
}
