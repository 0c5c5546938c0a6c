"""Between VapourSynth's frames and the engines' arrays: formats, planes, range."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.networks import graph
from vs_espcn.runtime.engine import Plane

SAMPLE_FORMATS: dict[tuple[vs.SampleType, int], graph.SampleFormat] = {
    (vs.INTEGER, 8): graph.UINT8,
    **{(vs.INTEGER, depth): sample for depth, sample in graph.UINT16.items()},
    (vs.FLOAT, 16): graph.FLOAT16,
    (vs.FLOAT, 32): graph.FLOAT32,
}

Range = Literal["limited", "full"]


def sample_format(video: vs.VideoFormat) -> graph.SampleFormat:
    """The engine's sample format for a clip's format.

    Raises:
        InputError: The depth is not supported.
    """
    sample = SAMPLE_FORMATS.get((video.sample_type, video.bits_per_sample))
    if sample is None:
        raise InputError(
            f"format {video.name} is not supported; convert to 8 to 16 bits, half or single float first, "
            "for example with clip.resize.Point(format=vs.YUV420P16)"
        )
    return sample


def is_full_range(props: Mapping[str, Any], *, default: bool = False) -> bool:
    """Whether a frame's codes span the full range.

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


def split_plane(clip: vs.VideoNode, index: int) -> vs.VideoNode:
    """One plane as a GRAY clip that any resizer accepts.

    Scaling needs no colour description, and a resizer refuses frames whose
    description makes no sense to it, so the planes carry none.
    """
    return without_description(vs.core.std.ShufflePlanes(clip, index, vs.GRAY))


def without_description(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip without the properties that describe its colours; range is kept."""
    return vs.core.std.RemoveFrameProps(clip, ["_Matrix", "_Transfer", "_Primaries", "_ChromaLocation"])


def check_range(value: Range | None) -> Range | None:
    """Pass a caller's ``range=`` on.

    Raises:
        InputError: It is neither ``"limited"`` nor ``"full"`` nor None.
    """
    if value not in (None, "limited", "full"):
        raise InputError(f"range is {value!r}; give 'limited', 'full', or None to go by each frame's _Range")
    return value


def check_progressive(props: Mapping[str, Any]) -> None:
    """Let progressive frames pass.

    Raises:
        InputError: The frame is interlaced: its lines belong to two pictures; or the property
            holds no known value.
    """
    field_based = props.get("_FieldBased", 0)
    if field_based in (1, 2):
        raise InputError(
            f"the clip is interlaced (_FieldBased is {field_based}); deinterlace it first, for example "
            "with bwdif, or, if it is in truth progressive, clear the flag with std.SetFieldBased(0)"
        )
    if field_based != 0:
        raise InputError(
            f"_FieldBased is {field_based!r}; accepted are 0 (progressive), 1 and 2 (interlaced): "
            "set it with std.SetFieldBased"
        )


def sample_aspect(props: Mapping[str, Any]) -> Fraction:
    """Width of a sample by its height; 1 where the properties are absent, or 0 for "unknown".

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


def plane(frame: vs.VideoFrame, index: int = 0) -> Plane:
    """View one plane as (height, width); valid as long as `frame` is.

    Its rows are strided. It is writable if the frame is.
    """
    return np.asarray(frame[index])
