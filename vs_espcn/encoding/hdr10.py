"""HDR10's static metadata: the mastering display (SMPTE ST 2086) and the light levels (CTA-861.3).

No pipe carries them, so they go to the encoder as options of its own, as far
as it has any.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_PRIMARIES = ("MasteringDisplayPrimariesX", "MasteringDisplayPrimariesY")
_WHITE = ("MasteringDisplayWhitePointX", "MasteringDisplayWhitePointY")
_LUMINANCE = ("MasteringDisplayMaxLuminance", "MasteringDisplayMinLuminance")
_DISPLAY = (*_PRIMARIES, *_WHITE, *_LUMINANCE)
_LIGHT = ("ContentLightLevelMax", "ContentLightLevelAverage")

_NAMES = {
    "libx264": ("mastering-display", "cll"),
    "libx265": ("master-display", "max-cll"),
    "libsvtav1": ("mastering-display", "content-light"),
}
"""Encoder → its names of the two parameters."""

_CHROMATICITY, _CANDELA = 50_000, 10_000
"""Steps per unit in H.264's and HEVC's messages; AV1's parameters are decimals."""


def hdr10_parameters(encoder: str, props: Mapping[str, Any]) -> list[str]:
    """The metadata of a frame as parameters of an encoder.

    Args:
        encoder: ffmpeg's name of the encoder.
        props: Properties of the first frame, as BestSource names them.

    Returns:
        What is complete, as ``name=value``; nothing if the encoder has no such parameters.
    """
    if encoder not in _NAMES:
        return []
    display_name, light_name = _NAMES[encoder]
    found = []
    if _is_complete(props, _DISPLAY):
        found.append(f"{display_name}={_display(props, steps=encoder != 'libsvtav1')}")
    if _is_complete(props, _LIGHT):
        found.append(f"{light_name}={','.join(str(round(props[name])) for name in _LIGHT)}")
    return found


def hdr10_notes(encoder: str, props: Mapping[str, Any]) -> list[str]:
    """One line for each part of the metadata that the encoder does not get."""
    parts = {"mastering display": _DISPLAY, "light levels": _LIGHT}
    present = {name: names for name, names in parts.items() if any(each in props for each in names)}
    if present and encoder not in _NAMES:
        return [f"HDR10 metadata is left out, since {encoder} cannot be given it"]
    return [
        f"HDR10 metadata of the {name} is left out, since it is incomplete"
        for name, names in present.items()
        if not _is_complete(props, names)
    ]


def _is_complete(props: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return all(name in props for name in names)


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
