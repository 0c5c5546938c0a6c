"""Upscaling a picture that its clip repeats the last column or row of, up to whole chroma samples."""

import math
from dataclasses import replace
from fractions import Fraction

import vapoursynth as vs

from vs_espcn.filter.frame_properties import sample_aspect
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with


def upscale_picture(clip: vs.VideoNode, picture: tuple[int, int], options: UpscaleOptions) -> vs.VideoNode:
    """Upscale a clip as the filter does, and leave out what its picture doesn't have.

    Args:
        clip: The picture, at its left and top.
        picture: Its width and height.
        options: Of the filter. A size is that of the picture; it is rounded up to whole chroma samples.

    Raises:
        vs.Error: As by the filter.
    """
    if picture == (clip.width, clip.height):
        return upscale_with(clip, options)
    scales = _scales(picture, options)
    whole = math.ceil(max(scales))
    if min(scales) < 1:
        return upscale_with(clip, options)  # which refuses it
    upscaled = upscale_with(clip, replace(options, scale=whole, width=None, height=None))
    multiples = 1 << clip.format.subsampling_w, 1 << clip.format.subsampling_h
    width, height = (
        math.ceil(side * scale / multiple) * multiple
        for side, scale, multiple in zip(picture, scales, multiples, strict=True)
    )
    if scales[0] == scales[1] == whole:
        return vs.core.std.CropAbs(upscaled, width, height)
    inside = (picture[0] * whole, picture[1] * whole)
    resized = vs.core.resize.Spline36(
        upscaled, width=width, height=height, src_width=inside[0], src_height=inside[1]
    )
    # The resizer makes up for rounding by the aspect ratio; the filter does not.
    resized = vs.core.std.CopyFrameProps(resized, upscaled)
    if scales[0] == scales[1]:
        return resized
    with clip.get_frame(0) as frame:
        aspect = sample_aspect(frame.props) * scales[1] / scales[0]
    return vs.core.std.SetFrameProps(resized, _SARNum=aspect.numerator, _SARDen=aspect.denominator)


def _scales(picture: tuple[int, int], options: UpscaleOptions) -> tuple[Fraction, Fraction]:
    """Factors on width and height."""
    horizontal = Fraction(options.width, picture[0]) if options.width else None
    vertical = Fraction(options.height, picture[1]) if options.height else None
    either = horizontal or vertical or Fraction(options.scale)
    return horizontal or either, vertical or either
