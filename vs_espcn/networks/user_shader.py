"""Write a network as a user shader for mpv and libplacebo that enlarges the luma by the network's scale.

mpv passes limited-range planes as code / 255 (in 8-bit terms), which is the range of the networks, and
full-range planes as code / peak. Between passes, textures of half floats hold the features, four channels
per texel.

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

_LEAST_GAIN = 1.2
"""Enlargement above which a network of scale 2 runs."""

_NORMALIZED = SampleFormat(depth=None, dtype=np.dtype(np.float32))


def user_shader(
    network: ModelProto, *, title: str, full_range: bool = False, variant: Variant = "compute"
) -> str:
    """Write a network as a user shader.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`.
        title: Title of its passes in mpv's statistics, for example ``subpixel-s x2``.
        full_range: True for videos with full-range luma; nearly all have limited range.
        variant: Compute shaders, which share what they read, or fragment shaders, which run everywhere.

    Returns:
        The shader's text. It runs if the picture is enlarged by more than the next smaller scale
        (1.2 for scale 2). If mpv lists files of several scales, the largest first, the smallest
        scale that reaches the size runs.

    Raises:
        InputError: A shader cannot express the network (the text names the operation), or its scale is 1.
    """
    chain = chain_of(network)
    if chain.scale == 1:
        raise InputError("the network's scale is 1; give a network that upscales")
    range_gain, range_offset = _NORMALIZED.luma_affine(True) if full_range else (1.0, 0.0)
    told = ShaderNetwork(
        title=title,
        chain=chain,
        gain=chain.gain * range_gain,
        offset=chain.gain * range_offset + chain.offset,
        inverse_gain=1 / range_gain,
        inverse_offset=-range_offset / range_gain,
        above=max(_LEAST_GAIN, chain.scale - 1),
    )
    passes = {"compute": compute_shader.passes, "fragment": fragment_shader.passes}[variant]
    return "\n".join([_head(title, full_range, variant), *passes(told)])


def _head(title: str, full_range: bool, variant: Variant) -> str:
    levels = "full" if full_range else "limited"
    return (
        f"// {title}, a network of vs-espcn for luma of {levels} range, as {variant} shaders\n"
        "// SPDX-License-Identifier: MIT\n"
    )
