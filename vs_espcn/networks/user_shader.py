"""A network as a user shader of mpv and libplacebo, which replaces the luma by one of scale times the size.

mpv hands over a plane of limited range as code / 255 (in 8-bit terms), which is the footing of the networks,
and one of full range as code / peak. Between passes features rest in textures of half floats, four channels
to a texel.

The formats: https://mpv.io/manual/stable/#options-glsl-shaders and https://libplacebo.org/custom-shaders.
"""

from typing import Literal, get_args

import numpy as np
from onnx import ModelProto

from vs_espcn.errors import InputError
from vs_espcn.networks import compute_shader, fragment_shader
from vs_espcn.networks.chain import chain_of
from vs_espcn.networks.graph import SampleFormat
from vs_espcn.networks.shader_text import ShaderNetwork

Variant = Literal["compute", "fragment"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

_ROUNDING = 0.01
"""By how much an enlargement may miss a scale: sizes of windows and of pictures in them are whole numbers."""

_NORMALIZED = SampleFormat(depth=None, dtype=np.dtype(np.float32))


def user_shader(
    network: ModelProto, *, title: str, full_range: bool = False, variant: Variant = "compute"
) -> str:
    """Write a network as a user shader.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.
        title: What its passes are called in mpv's statistics, such as ``subpixel-s x2``.
        full_range: Whether the videos' luma is of full range, rather than limited as nearly all are.
        variant: For compute shaders, which share what they read, or for fragment shaders, which run
            everywhere.

    Returns:
        The shader's text. It runs where the picture is enlarged by the network's scale or more, so
        that of several files in mpv's list, the largest scale first, the largest runs that fits.

    Raises:
        InputError: The network cannot be expressed; the text names the operation. Or it does not upscale.
    """
    chain = chain_of(network)
    if chain.scale == 1:
        raise InputError("the network's scale is 1; a shader is made of one that upscales")
    range_gain, range_offset = _NORMALIZED.luma_affine(True) if full_range else (1.0, 0.0)
    told = ShaderNetwork(
        title=title,
        chain=chain,
        gain=chain.gain * range_gain,
        offset=chain.gain * range_offset + chain.offset,
        inverse_gain=1 / range_gain,
        inverse_offset=-range_offset / range_gain,
        above=chain.scale - _ROUNDING,
    )
    passes = {"compute": compute_shader.passes, "fragment": fragment_shader.passes}[variant]
    return "\n".join([_head(title, full_range, variant), *passes(told)])


def _head(title: str, full_range: bool, variant: Variant) -> str:
    levels = "full" if full_range else "limited"
    return (
        f"// {title}, a network of vs-espcn for luma of {levels} range, as {variant} shaders\n"
        "// SPDX-License-Identifier: MIT\n"
    )
