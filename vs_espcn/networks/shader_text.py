"""Write the GLSL that both variants of user shaders share: directives, weights and activations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vs_espcn.networks.chain import Chain, Convolution

_DIGITS = 4
"""Significant digits of a weight; half floats, which hold features, have three."""


@dataclass(frozen=True, kw_only=True)
class ShaderNetwork:
    """A chain with the gains and offsets of the video's samples.

    Attributes:
        title: Title of its passes.
        chain: The network; `gain` and `offset` include its own.
        gain: The first convolution's input is ``gain · sample + offset``, with samples as mpv passes them.
        offset: See `gain`.
        inverse_gain: The output sample is ``inverse_gain · result + inverse_offset``.
        inverse_offset: See `inverse_gain`.
        above: Enlargement above which the shader runs.
    """

    title: str
    chain: Chain
    gain: float
    offset: float
    inverse_gain: float
    inverse_offset: float
    above: float

    @property
    def entering(self) -> str:
        """The GLSL expression for the first convolution's input, made of ``code``."""
        return f"code * {number(self.gain, 9)} + {number(self.offset, 9)}"

    def leaving(self, result: str) -> str:
        """Return the GLSL expression for the sample made of a result."""
        if (self.inverse_gain, self.inverse_offset) == (1, 0):
            return result
        return f"{result} * {number(self.inverse_gain, 9)} + {number(self.inverse_offset, 9)}"


def directives(
    network: ShaderNetwork,
    step: str,
    *,
    bind: Sequence[str],
    save: str | None,
    size: tuple[int, int],
    components: int,
) -> list[str]:
    """Return the directives that open a pass.

    Args:
        network: The network.
        step: Name of the pass in mpv's statistics.
        bind: Textures that it reads; ``LUMA`` is the video's.
        save: Texture that it writes; None to replace the luma.
        size: Width and height of that texture, as multiples of the luma's.
        components: Channels of that texture.
    """
    above = f"{network.above:g}"
    return [
        "//!HOOK LUMA",
        *(f"//!BIND {name}" for name in bind),
        *([f"//!SAVE {save}"] if save else []),
        *(
            f"//!{name} LUMA.{name[0].lower()} {factor} *"
            for name, factor in zip(("WIDTH", "HEIGHT"), size, strict=True)
            if factor != 1 or save
        ),
        f"//!COMPONENTS {components}",
        f"//!WHEN OUTPUT.w LUMA.w {above} * > OUTPUT.h LUMA.h {above} * > *",
        f"//!DESC {network.title}: {step}",
    ]


def groups(channels: int) -> int:
    """Return the number of four-channel texels that hold a number of channels."""
    return -(-channels // 4)


def biases(layer: Convolution, skip: Convolution | None = None) -> list[str]:
    """Return a ``vec4`` of biases per four channels of a layer; a skip's biases are added."""
    values = layer.bias if skip is None else layer.bias + skip.bias
    return [_vector(each) for each in _padded(values, 0).reshape(-1, 4)]


def skip_weights(skip: Convolution) -> list[str]:
    """Return a ``vec4`` of weights per four channels of a skip."""
    return [_vector(each) for each in _padded(skip.weights[:, 0, 0, 0], 0).reshape(-1, 4)]


def term(layer: Convolution, target: int, source: int, row: int, column: int) -> str:
    """Return a tap's weights between two channel groups: a ``mat4``, or a ``vec4`` if the source is luma."""
    tap = layer.weights[:, :, row, column]
    if tap.shape[1] == 1:
        return _vector(_padded(tap[:, 0], 0)[4 * target : 4 * target + 4])
    block = _padded(_padded(tap, 0), 1)[4 * target : 4 * target + 4, 4 * source : 4 * source + 4]
    return f"mat4({_numbers(block.T.ravel())})"  # column-major, as in GLSL


def activated(layer: Convolution, name: str) -> list[str]:
    """Return the statement that applies a layer's activation to a ``vec4``; empty if it has none."""
    match layer.activation:
        case "relu":
            return [f"{name} = max({name}, vec4(0.0));"]
        case "leaky":
            return [f"{name} = max({name}, vec4(0.0)) + {number(layer.slope, 9)} * min({name}, vec4(0.0));"]
        case "tanh":  # beyond ±10 tanh is ±1, and overflows in some drivers
            return [f"{name} = tanh(clamp({name}, -10.0, 10.0));"]
        case "none":
            return []


def number(value: float, digits: int = _DIGITS) -> str:
    """Format a float for GLSL, as short as its digits allow."""
    text = f"{value:.{digits}g}".replace("e-0", "e-")
    if "." not in text and "e" not in text:
        return f"{text}.0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _numbers(values: NDArray[np.float32]) -> str:
    return ",".join(number(float(value)) for value in values)


def _vector(values: NDArray[np.float32]) -> str:
    return f"vec4({_numbers(values)})"


def _padded(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Pad an axis with zeros to a multiple of four."""
    lacking = -values.shape[axis] % 4
    return np.pad(values, [(0, lacking if each == axis else 0) for each in range(values.ndim)])
