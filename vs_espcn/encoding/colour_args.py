"""A clip's frame properties as options of ffmpeg, x264 and x265.

vspipe's y4m carries only a clip's size, rate and format.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import vapoursynth as vs

from vs_espcn.encoding.ffmpeg import MATRICES, PRIMARIES, TRANSFERS, frame_options
from vs_espcn.errors import InputError
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.streaming.frame_output import check_constant, check_frame_rate
from vs_espcn.streaming.y4m_writer import declared_range

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
