"""A clip's frame properties as options of ffmpeg, x264 and x265.

vspipe's y4m carries only a clip's size, rate and format. Ours adds the sample
aspect ratio, the range and, for 8-bit 4:2:0, the chroma siting. The rest of the
colour description goes to ffmpeg as options of its input, so that it tags the
frames before they reach its filters and the encoder.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.streaming.frame_output import check_constant, check_frame_rate
from vs_espcn.streaming.y4m_writer import declared_range

MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
_CHROMA_LOCATIONS = {0: "left", 1: "center", 2: "topleft", 3: "top", 4: "bottomleft", 5: "bottom"}
_RANGES = {"limited": "tv", "full": "pc"}

_COLOUR_OPTIONS: dict[str, tuple[str, dict[int, str]]] = {
    "_Matrix": ("-colorspace", MATRICES),
    "_Transfer": ("-color_trc", TRANSFERS),
    "_Primaries": ("-color_primaries", PRIMARIES),
    "_ChromaLocation": ("-chroma_sample_location", _CHROMA_LOCATIONS),
}
"""Frame property → ffmpeg's option and its names for the property's values (ITU-T H.273)."""

_GAMMAS = {"gamma22": "bt470m", "gamma28": "bt470bg"}
_X264_MATRICES = {"ycgco": "YCgCo", "ictcp": "ICtCp"}
_NO_PRIMARIES = 22
"""EBU Tech. 3213-E, which neither x264 nor x265 has."""


@as_vs_error()
def ffmpeg_args(clip: vs.VideoNode, side: Literal["input", "output"] = "input") -> list[str]:
    """Return options that tell ffmpeg the colours, siting, aspect and rate of a piped clip.

        ["ffmpeg", *ffmpeg_args(clip), "-i", "-", *ffmpeg_args(clip, "output"), "-c:v", "libx264", "out.mkv"]

    Args:
        clip: Of constant format, size and frame rate.
        side: ``"input"`` for the options before the pipe's ``-i``: matrix,
            transfer, primaries, siting, range and rate. ``"output"`` for those
            of the output: the aspect ratio, which ffmpeg takes only there.

    Returns:
        The options; properties that the first frame lacks give none.

    Raises:
        vs.Error: The clip's format, size or rate varies.
    """
    props = _props(clip)
    if side == "input":
        return [*frame_options(props), "-r", _rate(clip)]
    if side != "output":
        raise InputError(f"side is {side!r}; give 'input' or 'output'")
    if not (aspect := _aspect(props)):
        return []
    shown = aspect * Fraction(clip.width, clip.height)
    return ["-aspect", f"{shown.numerator}:{shown.denominator}"]


def frame_options(props: Mapping[str, Any]) -> list[str]:
    """Return input options that tell ffmpeg a frame's colour description and rotation.

    Args:
        props: Properties of the first frame of the clip that is encoded.

    Returns:
        Options for colour range, matrix, transfer, primaries, chroma siting and
        rotation, to stand before the pipe's ``-i``. A property that is absent,
        unspecified or unknown to ffmpeg gives none.
    """
    options: list[str] = []
    for prop, (option, names) in _COLOUR_OPTIONS.items():
        if (name := names.get(props.get(prop, -1))) is not None:
            options += [option, name]
    if found := declared_range(props):
        options += ["-color_range", _RANGES[found]]
    # BestSource turns clockwise, ffmpeg counter-clockwise.
    if rotation := -props.get("Rotation", 0) % 360:
        options += ["-noautorotate", "-display_rotation", str(rotation)]
    if props.get("FlipVertical"):
        options += ["-noautorotate", "-display_vflip"]
    return options


def siting_options(props: Mapping[str, Any]) -> list[str]:
    """Return options of the encoder that keep the chroma siting if ffmpeg converts the pixel format.

    The scaler of ffmpeg 9 tags its output as sited to the left, and moves no chroma.
    """
    location = _CHROMA_LOCATIONS.get(props.get("_ChromaLocation", -1))
    return ["-chroma_sample_location", location] if location else []


def x264_args(clip: vs.VideoNode) -> list[str]:
    """Return the same for x264, whose ``--range`` alone would convert the samples."""
    props = _props(clip)
    range_ = {"limited": "tv", "full": "pc"}.get(declared_range(props) or "")
    ranges = ["--input-range", range_, "--range", range_] if range_ else []
    return [*_common(clip, props, _X264_MATRICES), *ranges]


def x265_args(clip: vs.VideoNode) -> list[str]:
    """Return the same for x265."""
    props = _props(clip)
    range_ = declared_range(props)
    return [*_common(clip, props, {}), *(["--range", range_] if range_ else [])]


def _common(clip: vs.VideoNode, props: Mapping[str, int], matrices: Mapping[str, str]) -> list[str]:
    matrix = MATRICES.get(props.get("_Matrix", -1))
    transfer = TRANSFERS.get(props.get("_Transfer", -1))
    primaries = props.get("_Primaries", -1)
    location = props.get("_ChromaLocation")
    aspect = _aspect(props)
    values = {
        "--colormatrix": matrix and matrices.get(matrix, matrix),
        "--transfer": transfer and _GAMMAS.get(transfer, transfer),
        "--colorprim": PRIMARIES.get(primaries) if primaries != _NO_PRIMARIES else None,
        "--chromaloc": str(int(location)) if location is not None else None,
        "--sar": f"{aspect.numerator}:{aspect.denominator}" if aspect else None,
        "--fps": _rate(clip),
    }
    return [word for option, value in values.items() if value for word in (option, value)]


def _props(clip: vs.VideoNode) -> dict[str, int]:
    check_constant(clip)
    check_frame_rate(clip)
    with clip.get_frame(0) as frame:
        return dict(frame.props)


def _rate(clip: vs.VideoNode) -> str:
    return f"{clip.fps.numerator}/{clip.fps.denominator}"


def _aspect(props: Mapping[str, int]) -> Fraction | None:
    """Sample aspect ratio; None if it isn't known."""
    numerator, denominator = props.get("_SARNum", 0), props.get("_SARDen", 0)
    return Fraction(numerator, denominator) if numerator > 0 and denominator > 0 else None
