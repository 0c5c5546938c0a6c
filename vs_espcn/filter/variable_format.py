"""Clips whose format or size varies, frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import vapoursynth as vs

from vs_espcn.filter.vs_errors import as_vs_error

_MOST_KINDS = 4
"""Kinds of frames for which engines are kept; the one longest unused goes first."""

Upscaler = Callable[[vs.VideoNode, vs.FrameProps], vs.VideoNode]
"""Upscales a clip of constant format and size; what one of its frames needs is opened at once.

It must not ask for frames: most of the clip's are of another kind.
"""


@dataclass(frozen=True)
class _Kind:
    """Frames that one result serves; `props` are those of the first that came up."""

    video: int
    width: int
    height: int
    props: vs.FrameProps = field(compare=False)


def is_varying(clip: vs.VideoNode) -> bool:
    """Whether frames of the clip differ in format or size."""
    return not clip.width or _format_varies(clip)


def upscale_varying(clip: vs.VideoNode, upscaler: Upscaler) -> vs.VideoNode:
    """Give each frame to an upscaler for clips of its format and size.

    Args:
        clip: Of any formats and sizes.
        upscaler: Called once for each kind of frame that comes up, again if
            it comes up after `_MOST_KINDS` others.

    Returns:
        A clip whose size varies, and its format if that of `clip` does. What
        cannot be upscaled fails when its frame is asked for.

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
