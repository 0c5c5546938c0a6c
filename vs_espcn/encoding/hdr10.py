"""HDR10's static metadata: the mastering display (SMPTE ST 2086) and the light levels (CTA-861.3).

No pipe carries them, so they go to the encoder as options of its own, as far
as it has any.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_PRIMARIES = ("MasteringDisplayPrimariesX", "MasteringDisplayPrimariesY")
_WHITE = ("MasteringDisplayWhitePointX", "MasteringDisplayWhitePointY")
_LUMINANCE = ("MasteringDisplayMaxLuminance", "MasteringDisplayMinLuminance")
_LIGHT = ("ContentLightLevelMax", "ContentLightLevelAverage")

ENCODER_OPTIONS = {
    "libx264": ("-x264-params", "mastering-display", "cll"),
    "libx265": ("-x265-params", "master-display", "max-cll"),
    "libsvtav1": ("-svtav1-params", "mastering-display", "content-light"),
}
"""Encoder → its option for parameters, and the two parameters' names."""

_CHROMATICITY, _CANDELA = 50_000, 10_000
"""Steps per unit in H.264's and HEVC's messages; AV1's parameters are decimals."""


def has_hdr10(props: Mapping[str, Any]) -> bool:
    """Whether a frame's properties hold any of the metadata."""
    return any(name in props for name in (*_PRIMARIES, *_LIGHT))


def with_hdr10(encoder: str, props: Mapping[str, Any], args: Sequence[str]) -> list[str] | None:
    """Add the metadata of a frame to an encoder's options.

    Args:
        encoder: ffmpeg's name of the encoder.
        props: Properties of the first frame, as BestSource names them.
        args: Options for ffmpeg; parameters among them win over the metadata.

    Returns:
        The options; None if the encoder has none that carry the metadata, or it is incomplete.
    """
    if encoder not in ENCODER_OPTIONS:
        return None
    option, display_name, light_name = ENCODER_OPTIONS[encoder]
    steps = encoder != "libsvtav1"
    found = []
    if all(name in props for name in (*_PRIMARIES, *_WHITE, *_LUMINANCE)):
        found.append(f"{display_name}={_display(props, steps=steps)}")
    if all(name in props for name in _LIGHT):
        found.append(f"{light_name}={','.join(str(round(props[name])) for name in _LIGHT)}")
    if not found:
        return None
    merged = list(args)
    for place, argument in enumerate(merged[:-1]):
        if argument == option:
            merged[place + 1] = ":".join([*found, merged[place + 1]])
            return merged
    return [*merged, option, ":".join(found)]


def _display(props: Mapping[str, Any], *, steps: bool) -> str:
    """As all three encoders write it: G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)."""

    def pair(values: Sequence[float], unit: int) -> str:
        shown = [str(round(value * unit)) if steps else f"{value:.5f}" for value in values]
        return f"({','.join(shown)})"

    red, green, blue = zip(*(props[name] for name in _PRIMARIES), strict=True)
    white = [props[name] for name in _WHITE]
    luminance = [props[name] for name in _LUMINANCE]
    colours = {"G": green, "B": blue, "R": red, "WP": white}
    points = "".join(f"{name}{pair(values, _CHROMATICITY)}" for name, values in colours.items())
    return f"{points}L{pair(luminance, _CANDELA)}"
