"""Chroma planes to their place in the upscaled clip.

A resizer that gets a chroma plane alone aligns the centres of both pictures.
Chroma that is sited off centre must stay on its luma samples instead, which
takes a shift of the source window. With chroma sited ``d`` chroma samples
before the centre, upscaling by ``scale`` moves the window by ``d − d / scale``:
exactly what zimg does when it is given the whole clip.
"""

from collections.abc import Mapping
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError

KERNELS = ("bilinear", "bicubic", "lanczos", "point", "spline16", "spline36", "spline64")
"""Kernels of VapourSynth's ``resize`` plugin, by their names in lower case."""

_LEFT_SITED = {vs.CHROMA_LEFT, vs.CHROMA_TOP_LEFT, vs.CHROMA_BOTTOM_LEFT}
_TOP_SITED = {vs.CHROMA_TOP_LEFT, vs.CHROMA_TOP}
_BOTTOM_SITED = {vs.CHROMA_BOTTOM_LEFT, vs.CHROMA_BOTTOM}


def check_kernel(kernel: str) -> None:
    """Refuse a kernel that VapourSynth's resizer doesn't have.

    Raises:
        InputError: `kernel` is not one of `KERNELS`.
    """
    if kernel not in KERNELS:
        raise InputError(f"chroma kernel {kernel!r} is not known; choose one of {', '.join(KERNELS)}")


def chroma_location(props: Mapping[str, Any]) -> vs.ChromaLocation:
    """Siting by ``_ChromaLocation``; left where it is absent, as VapourSynth's resizers assume.

    Raises:
        InputError: The property holds no known location.
    """
    value = props.get("_ChromaLocation", vs.CHROMA_LEFT)
    try:
        return vs.ChromaLocation(value)
    except ValueError:
        raise InputError(
            f"_ChromaLocation is {value!r}; accepted are 0 to 5 "
            "(left, center, top left, top, bottom left, bottom): set it with std.SetFrameProps"
        ) from None


def upscale_chroma(
    clip: vs.VideoNode, scale: int, *, kernel: str, location: vs.ChromaLocation
) -> list[vs.VideoNode]:
    """Scale the chroma planes of a YUV clip; luma is not touched.

    Args:
        clip: YUV of constant format and size.
        scale: Integer scale of width and height.
        kernel: One of `KERNELS`.
        location: The clip's chroma siting; the result has the same.

    Returns:
        U and V as GRAY clips, placed as zimg places them in the whole clip.
    """
    shift = 1 - 1 / scale
    resize = getattr(vs.core.resize, kernel.capitalize())
    planes = [vs.core.std.ShufflePlanes(clip, index, vs.GRAY) for index in (1, 2)]
    left, top = _siting(clip.format, location)
    return [
        resize(
            plane,
            width=plane.width * scale,
            height=plane.height * scale,
            src_left=left * shift,
            src_top=top * shift,
        )
        for plane in planes
    ]


def _siting(video: vs.VideoFormat, location: vs.ChromaLocation) -> tuple[float, float]:
    """How far chroma is sited before the centre of its luma samples, in chroma samples (x, y)."""
    off_centre_x = (1 - 1 / (1 << video.subsampling_w)) / 2
    off_centre_y = (1 - 1 / (1 << video.subsampling_h)) / 2
    left = off_centre_x if location in _LEFT_SITED else 0.0
    if location in _TOP_SITED:
        return left, off_centre_y
    return left, -off_centre_y if location in _BOTTOM_SITED else 0.0
