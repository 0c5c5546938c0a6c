"""RGB through float YUV 4:4:4, whose luma the network upscales without rounding."""

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.frame_properties import without_description

MATRICES = {
    int(matrix): matrix.name.removeprefix("MATRIX_")
    for matrix in (
        vs.MATRIX_BT709,
        vs.MATRIX_FCC,
        vs.MATRIX_BT470_BG,
        vs.MATRIX_ST170_M,
        vs.MATRIX_ST240_M,
        vs.MATRIX_YCGCO,
        vs.MATRIX_BT2020_NCL,
    )
}
"""Accepted matrices: those that depend on the RGB samples alone."""

_BT709_FROM = (1280, 720)


def check_matrix(value: int | None) -> int | None:
    """Validate and return the caller's ``matrix``.

    Raises:
        InputError: It is neither one of `MATRICES` nor None.
    """
    if value not in (None, *MATRICES):
        accepted = ", ".join(f"{number} ({name})" for number, name in MATRICES.items())
        raise InputError(f"matrix is {value!r}; accepted are {accepted}, or None for the usual one")
    return None if value is None else int(value)


def to_yuv(clip: vs.VideoNode, matrix: int | None, *, full_range: bool) -> vs.VideoNode:
    """Convert RGB to YUV 4:4:4 in single float.

    Args:
        clip: RGB of constant format and size.
        matrix: One of `MATRICES`; None is BT.709 from 1280×720 on, else BT.601.
        full_range: Whether the clip's codes span the full range.
    """
    return vs.core.resize.Point(
        without_description(clip), format=vs.YUV444PS, matrix=_matrix_of(clip, matrix), range_in=full_range
    )


def from_yuv(
    upscaled: vs.VideoNode, source: vs.VideoNode, matrix: int | None, *, full_range: bool
) -> vs.VideoNode:
    """Convert back to the format and properties of `source`, from which `upscaled` came through `to_yuv`.

    Args:
        upscaled: YUV 4:4:4 in single float.
        source: RGB clip of the same length.
        matrix: As it was given to `to_yuv`.
        full_range: As it was given to `to_yuv`.
    """
    rgb = vs.core.resize.Point(
        upscaled, format=source.format.id, matrix_in=_matrix_of(source, matrix), range=full_range
    )
    return vs.core.std.CopyFrameProps(rgb, source)


def usual_matrix(width: int, height: int) -> int:
    """Return the usual matrix of a size: BT.709 from 1280×720 on, else BT.601."""
    is_hd = width >= _BT709_FROM[0] or height >= _BT709_FROM[1]
    return int(vs.MATRIX_BT709 if is_hd else vs.MATRIX_ST170_M)


def _matrix_of(clip: vs.VideoNode, matrix: int | None) -> int:
    return usual_matrix(clip.width, clip.height) if matrix is None else int(matrix)
