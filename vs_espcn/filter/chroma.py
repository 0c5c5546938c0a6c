"""Chroma planes, resized with exact siting.

A resizer that is given a chroma plane alone aligns the centres of both
pictures. Chroma that is sited off centre must stay on its luma samples, which
takes a shift of the source window. With chroma sited ``d`` chroma samples
before the centre, upscaling by ``scale`` moves the window by ``d − d / scale``,
as zimg does for the whole clip.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.sample_formats import split_plane

KERNELS = ("bilinear", "bicubic", "lanczos", "point", "spline16", "spline36", "spline64")
"""Kernels of VapourSynth's ``resize`` plugin, by their names in lower case."""

Resizer = Callable[..., vs.VideoNode]
"""Scales a GRAY clip to ``width``, ``height`` from the window ``src_left``, ``src_top``."""

ChromaKernel = str | Callable[[vs.VideoNode], vs.VideoNode]
"""One of `KERNELS`, with parameters after colons ("bicubic:0:0.5", "lanczos:4"), or a
function that is given each chroma plane as a GRAY clip and returns it at its new size,
the centres of both pictures aligned."""

_MOST_TAPS = 15  # of zimg

_LEFT_SITED = {vs.CHROMA_LEFT, vs.CHROMA_TOP_LEFT, vs.CHROMA_BOTTOM_LEFT}
_TOP_SITED = {vs.CHROMA_TOP_LEFT, vs.CHROMA_TOP}
_BOTTOM_SITED = {vs.CHROMA_BOTTOM_LEFT, vs.CHROMA_BOTTOM}


def find_resizer(kernel: ChromaKernel) -> Resizer:
    """Return the resizer for a kernel.

    Raises:
        InputError: There is no such kernel, or it has no such parameters.
    """
    if callable(kernel):
        return partial(_by_function, kernel)
    name, *words = str(kernel).split(":")
    if name not in KERNELS:
        raise InputError(f"chroma kernel {kernel!r} is not known; choose one of {', '.join(KERNELS)}")
    if not _accepts(name, words):
        raise InputError(
            f"chroma kernel {kernel!r} has wrong parameters; accepted are bicubic:B:C, lanczos:TAPS with "
            f"1 to {_MOST_TAPS} taps, and none for the others"
        )
    parameters = dict(zip(("filter_param_a", "filter_param_b"), map(float, words), strict=False))
    return partial(getattr(vs.core.resize, name.capitalize()), **parameters)


def _accepts(name: str, words: list[str]) -> bool:
    """True if a kernel takes these parameters."""
    if name == "lanczos":
        return not words or (len(words) == 1 and words[0] in map(str, range(1, _MOST_TAPS + 1)))
    if name != "bicubic":
        return not words
    try:
        return len(words) <= 2 and all(math.isfinite(float(word)) for word in words)
    except ValueError:
        return False


def _by_function(
    function: Callable[[vs.VideoNode], vs.VideoNode],
    plane: vs.VideoNode,
    *,
    width: int,
    height: int,
    src_left: float,
    src_top: float,
) -> vs.VideoNode:
    """Call the caller's function, which aligns centres, then shift the plane as its siting needs."""
    scaled = function(plane)
    if not isinstance(scaled, vs.VideoNode):
        raise InputError(
            f"the chroma function returned a {type(scaled).__name__}; it must return the plane's clip, scaled"
        )
    expected = (width, height, plane.format.id)
    if (scaled.width, scaled.height, scaled.format.id) != expected:
        raise InputError(
            f"the chroma function returned {scaled.width}x{scaled.height} {scaled.format.name}; "
            f"it must return {width}x{height} {plane.format.name}"
        )
    if not src_left and not src_top:
        return scaled
    return vs.core.resize.Spline36(
        scaled, src_left=src_left * width / plane.width, src_top=src_top * height / plane.height
    )


def chroma_location(props: Mapping[str, Any]) -> vs.ChromaLocation:
    """Return the siting by ``_ChromaLocation``; left if it is absent, as VapourSynth's resizers assume.

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


def scale_chroma(
    clip: vs.VideoNode, width: int, height: int, *, resizer: Resizer, location: vs.ChromaLocation
) -> list[vs.VideoNode]:
    """Scale the chroma planes of a YUV clip.

    Args:
        clip: YUV of constant format and size.
        width: Width of the whole result, in luma samples.
        height: Height of the whole result, in luma samples.
        resizer: From `find_resizer`.
        location: The clip's chroma siting; the result has the same.

    Returns:
        U and V as GRAY clips, sited as zimg sites them for the whole clip.

    Raises:
        InputError: The caller's own function returned another size or format.
    """
    left, top = _siting(clip.format, location)
    return [
        resizer(
            split_plane(clip, index),
            width=width >> clip.format.subsampling_w,
            height=height >> clip.format.subsampling_h,
            src_left=left * (1 - clip.width / width),
            src_top=top * (1 - clip.height / height),
        )
        for index in (1, 2)
    ]


def _siting(video: vs.VideoFormat, location: vs.ChromaLocation) -> tuple[float, float]:
    """Distance (x, y) of chroma before the centre of its luma samples, in chroma samples."""
    off_centre_x = (1 - 1 / (1 << video.subsampling_w)) / 2
    off_centre_y = (1 - 1 / (1 << video.subsampling_h)) / 2
    left = off_centre_x if location in _LEFT_SITED else 0.0
    if location in _TOP_SITED:
        return left, off_centre_y
    return left, -off_centre_y if location in _BOTTOM_SITED else 0.0
