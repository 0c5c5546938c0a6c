"""Frame properties that the filter reads: range, fields, sample aspect."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import vapoursynth as vs

from vs_espcn.errors import InputError

Range = Literal["limited", "full"]


def is_full_range(props: Mapping[str, Any], *, default: bool = False) -> bool:
    """True if a frame's codes span the full range.

    ``_Range`` (0 limited, 1 full) wins over its deprecated, inverted
    predecessor ``_ColorRange`` (0 full, 1 limited); without either it
    is `default`: VapourSynth's resizers take YUV and GRAY for limited, RGB for full.

    Raises:
        InputError: The property holds another value.
    """
    for name, full in (("_Range", 1), ("_ColorRange", 0)):
        if name in props:
            if props[name] not in (0, 1):
                raise InputError(
                    f"{name} is {props[name]!r}; accepted are 0 and 1: set _Range to 0 (limited) or 1 (full) "
                    "with std.SetFrameProps, or give range="
                )
            return bool(props[name] == full)
    return default


def without_description(clip: vs.VideoNode) -> vs.VideoNode:
    """Remove the properties that describe a clip's colours; its range is kept."""
    return vs.core.std.RemoveFrameProps(clip, ["_Matrix", "_Transfer", "_Primaries", "_ChromaLocation"])


def check_range(value: Range | None) -> Range | None:
    """Validate and return the caller's ``range``.

    Raises:
        InputError: It is neither ``"limited"`` nor ``"full"`` nor None.
    """
    if value not in (None, "limited", "full"):
        raise InputError(f"range is {value!r}; give 'limited', 'full', or None to go by each frame's _Range")
    return value


def check_progressive(props: Mapping[str, Any]) -> None:
    """Check that a frame is progressive.

    Raises:
        InputError: The frame is interlaced: its lines belong to two pictures; or the property
            holds no known value.
    """
    field_based = props.get("_FieldBased", 0)
    if field_based in (1, 2):
        raise InputError(
            f"the clip is interlaced (_FieldBased is {field_based}); deinterlace it first, for example with "
            "bwdif (`vs-espcn upscale --deinterlace field`, `ffmpeg -vf bwdif`), or, if it is actually "
            "progressive, clear the flag with std.SetFieldBased(0)"
        )
    if field_based != 0:
        raise InputError(
            f"_FieldBased is {field_based!r}; accepted are 0 (progressive), 1 and 2 (interlaced): "
            "set it with std.SetFieldBased"
        )


def sample_aspect(props: Mapping[str, Any]) -> Fraction:
    """Return a sample's width divided by its height; 1 where the properties are absent, or 0 for "unknown".

    Raises:
        InputError: A property holds another value.
    """
    sides = [props.get(name, 0) for name in ("_SARNum", "_SARDen")]
    if any(not isinstance(side, int) or side < 0 for side in sides):
        raise InputError(
            f"_SARNum and _SARDen are {sides[0]!r} and {sides[1]!r}; set both to whole numbers from 0 "
            "with std.SetFrameProps"
        )
    return Fraction(*sides) if all(sides) else Fraction(1)
