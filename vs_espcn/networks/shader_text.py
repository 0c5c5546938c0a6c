"""What the variants of user shaders have in common: directives, weights and activations in GLSL."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vs_espcn.networks.chain import Chain, Convolution

_DIGITS = 4
"""Of a weight; half floats, in which features rest, have three."""


@dataclass(frozen=True, kw_only=True)
class ShaderNetwork:
    """A chain with the video's input and output.

    Attributes:
        title: What its passes are called.
        chain: The network; its own gain and offset are part of those here.
        gain: With ``gain · sample + offset`` a sample, as mpv hands it over, enters the first convolution.
        offset: See `gain`.
        inverse_gain: With ``inverse_gain · result + inverse_offset`` the result becomes a sample.
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
        """The expression for ``code`` as it enters the first convolution."""
        return f"code * {number(self.gain, 9)} + {number(self.offset, 9)}"

    def leaving(self, result: str) -> str:
        """The expression for a result as a sample."""
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
    """Open a pass.

    Args:
        network: The network.
        step: What the pass does, for mpv's statistics.
        bind: Textures that it reads; ``LUMA`` is the video's.
        save: Texture that it writes; None replaces the luma.
        size: Width and height of that, in those of the luma.
        components: Channels of that.
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
    """How many texels of four channels hold a number of channels."""
    return -(-channels // 4)


def biases(layer: Convolution, skip: Convolution | None = None) -> list[str]:
    """A ``vec4`` for each four of a layer's channels; with those of a skip."""
    values = layer.bias if skip is None else layer.bias + skip.bias
    return [_vector(each) for each in _padded(values, 0).reshape(-1, 4)]


def skip_weights(skip: Convolution) -> list[str]:
    """A ``vec4`` for each four of a skip's channels."""
    return [_vector(each) for each in _padded(skip.weights[:, 0, 0, 0], 0).reshape(-1, 4)]


def term(layer: Convolution, target: int, source: int, row: int, column: int) -> str:
    """One tap between two groups of channels: a ``mat4``, or a ``vec4`` where the source is luma."""
    tap = layer.weights[:, :, row, column]
    if tap.shape[1] == 1:
        return _vector(_padded(tap[:, 0], 0)[4 * target : 4 * target + 4])
    block = _padded(_padded(tap, 0), 1)[4 * target : 4 * target + 4, 4 * source : 4 * source + 4]
    return f"mat4({_numbers(block.T.ravel())})"  # column by column, as GLSL has it


def activated(layer: Convolution, name: str) -> list[str]:
    """The statement that applies a layer's activation to a ``vec4``; none where it has none."""
    match layer.activation:
        case "relu":
            return [f"{name} = max({name}, vec4(0.0));"]
        case "leaky":
            return [f"{name} = max({name}, vec4(0.0)) + {number(layer.slope, 9)} * min({name}, vec4(0.0));"]
        case "tanh":  # of more it is 1 in any case, and some drivers' overflows
            return [f"{name} = tanh(clamp({name}, -10.0, 10.0));"]
        case "none":
            return []


def number(value: float, digits: int = _DIGITS) -> str:
    """A float in GLSL, as short as its digits allow."""
    text = f"{value:.{digits}g}".replace("e-0", "e-")
    if "." not in text and "e" not in text:
        return f"{text}.0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _numbers(values: NDArray[np.float32]) -> str:
    return ",".join(number(float(value)) for value in values)


def _vector(values: NDArray[np.float32]) -> str:
    return f"vec4({_numbers(values)})"


def _padded(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """With zeros up to whole groups along an axis."""
    lacking = -values.shape[axis] % 4
    return np.pad(values, [(0, lacking if each == axis else 0) for each in range(values.ndim)])
