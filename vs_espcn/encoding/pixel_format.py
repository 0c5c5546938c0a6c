"""Conversion of formats that no pipe into an encoder carries to the nearest one that it does."""

import vapoursynth as vs

from vs_espcn.encoding.alpha import has_alpha
from vs_espcn.filter.rgb import usual_matrix
from vs_espcn.filter.variable_format import is_varying
from vs_espcn.streaming.matroska_writer import ALPHA_TAGS
from vs_espcn.streaming.y4m_writer import COLOUR_SPACES

_DEPTHS = (8, 9, 10, 12, 14, 16)

_SUBSAMPLING = {
    (0, 0): (0, 0),
    (1, 0): (1, 0),
    (1, 1): (1, 1),
    (0, 1): (0, 0),
    (2, 0): (1, 0),
    (2, 2): (1, 1),
}
"""The nearest of 4:4:4, 4:2:2 and 4:2:0 with at least as much chroma in each direction as it has."""


def encodable(clip: vs.VideoNode) -> tuple[vs.VideoNode, str | None]:
    """Convert a clip to a format that a pipe carries, if it is in another.

    RGB becomes YUV 4:4:4 of limited range and the usual matrix, 4:4:0 becomes
    4:4:4, deep 4:1:1 becomes 4:2:2, 4:1:0 becomes 4:2:0, float becomes 16 bits.
    Encoders convert RGB too, but without tagging the matrix. With an alpha plane GRAY
    becomes 4:4:4, and a depth of which ffmpeg has no form with alpha becomes 16 bits.

    Args:
        clip: A source's clip.

    Returns:
        The clip in a format of `COLOUR_SPACES`, and a few words on the
        conversion; None if there was none. A clip of varying format stays as it is.
    """
    if is_varying(clip):
        return clip, None
    video, alpha = clip.format, has_alpha(clip)
    if (video.name in ALPHA_TAGS) if alpha else (video.id in COLOUR_SPACES):
        return clip, None
    target = _with_alpha(_nearest(video)) if alpha else _nearest(video)
    if video.color_family == vs.RGB:
        matrix = usual_matrix(clip.width, clip.height)
        described = vs.core.std.RemoveFrameProps(clip, ["_Matrix", "_ChromaLocation"])
        converted = vs.core.resize.Spline36(
            described, format=target.id, matrix=matrix, range=vs.RANGE_LIMITED, dither_type="error_diffusion"
        )
    elif video.color_family == vs.GRAY and target.color_family == vs.YUV:
        converted = _with_gray_chroma(clip, target)
    else:
        converted = vs.core.resize.Spline36(clip, format=target.id)
    if alpha and target.bits_per_sample != video.bits_per_sample:
        planes = vs.core.std.PropToClip(clip, "_Alpha")
        depth = vs.core.query_video_format(vs.GRAY, vs.INTEGER, target.bits_per_sample)
        full = vs.RANGE_FULL
        planes = vs.core.resize.Point(planes, format=depth.id, range_in=full, range=full)
        converted = vs.core.std.ClipToProp(converted, planes, "_Alpha")
    return converted, f"{video.name} is upscaled and encoded as {target.name}"


def _with_alpha(video: vs.VideoFormat) -> vs.VideoFormat:
    """The nearest format of which ffmpeg has a form with alpha."""
    gray = video.color_family == vs.GRAY
    near = vs.core.query_video_format(
        vs.YUV, vs.INTEGER, video.bits_per_sample, *((0, 0) if gray else _subsampling(video))
    )
    return near if near.name in ALPHA_TAGS else near.replace(bits_per_sample=_DEPTHS[-1])


def _subsampling(video: vs.VideoFormat) -> tuple[int, int]:
    return video.subsampling_w, video.subsampling_h


def _with_gray_chroma(clip: vs.VideoNode, target: vs.VideoFormat) -> vs.VideoNode:
    """A GRAY clip with chroma that has no colour."""
    gray = target.replace(color_family=vs.GRAY, subsampling_w=0, subsampling_h=0)
    luma = clip if clip.format.id == gray.id else vs.core.resize.Point(clip, format=gray.id)
    middle = 1 << (gray.bits_per_sample - 1)
    chroma = vs.core.std.BlankClip(luma, color=middle, keep=True)
    return vs.core.std.ShufflePlanes([luma, chroma, chroma], [0, 0, 0], vs.YUV, prop_src=luma)


def _nearest(video: vs.VideoFormat) -> vs.VideoFormat:
    fitting = [depth for depth in _DEPTHS if depth >= video.bits_per_sample]
    depth = fitting[0] if fitting and video.sample_type == vs.INTEGER else _DEPTHS[-1]
    if video.color_family == vs.GRAY:
        return vs.core.query_video_format(vs.GRAY, vs.INTEGER, depth)
    horizontal, vertical = _SUBSAMPLING[video.subsampling_w, video.subsampling_h]
    return vs.core.query_video_format(vs.YUV, vs.INTEGER, depth, horizontal, vertical)
