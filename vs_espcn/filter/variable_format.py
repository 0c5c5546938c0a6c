"""Clips whose format or size varies, frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import vapoursynth as vs

from vs_espcn.filter.vs_errors import as_vs_error

_MOST_KINDS = 4
"""Kinds of frames whose engines are kept; the least recently used is dropped."""

Upscaler = Callable[[vs.VideoNode, vs.FrameProps], vs.VideoNode]
"""Upscales a clip of constant format and size; what one of its frames needs is opened at once.

It must not request frames: most of the clip's frames are of another kind.
"""


@dataclass(frozen=True)
class _Kind:
    """Frames that share one result; `props` are those of the first such frame."""

    video: int
    width: int
    height: int
    props: vs.FrameProps = field(compare=False)


def is_varying(clip: vs.VideoNode) -> bool:
    """True if the clip's format or size varies."""
    return not clip.width or _format_varies(clip)


def upscale_varying(clip: vs.VideoNode, upscaler: Upscaler) -> vs.VideoNode:
    """Upscale each frame by an upscaler for clips of its format and size.

    Args:
        clip: Of any formats and sizes.
        upscaler: Called once for each kind of frame, and again if `_MOST_KINDS`
            other kinds came between.

    Returns:
        A clip of varying size, and of varying format if that of `clip` varies.
        A frame that cannot be upscaled fails when it is requested.

    Raises:
        EspcnError: The first frame cannot be upscaled.
    """

    @lru_cache(_MOST_KINDS)
    def of_kind(kind: _Kind) -> vs.VideoNode:
        like_all = vs.core.std.BlankClip(
            format=kind.video,
            width=kind.width,
            height=kind.height,
            length=clip.num_frames,
            fpsnum=clip.fps.numerator,
            fpsden=clip.fps.denominator,
            keep=True,
        )
        return upscaler(vs.core.std.FrameEval(like_all, lambda n: clip), kind.props)  # noqa: ARG005 - VapourSynth's name

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        with as_vs_error(n):
            return of_kind(_kind(f))

    with clip.get_frame(0) as frame:
        first = of_kind(_kind(frame))
    template = vs.core.std.BlankClip(first, varformat=_format_varies(clip), varsize=True, keep=True)
    return vs.core.std.FrameEval(template, choose, prop_src=clip)


def _format_varies(clip: vs.VideoNode) -> bool:
    return clip.format is None or clip.format.color_family == vs.UNDEFINED


def _kind(frame: vs.VideoFrame) -> _Kind:
    return _Kind(frame.format.id, frame.width, frame.height, frame.props)
