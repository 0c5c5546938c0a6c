"""Clips whose format or size varies, frame by frame."""

from collections.abc import Callable
from functools import lru_cache

import vapoursynth as vs

from vs_espcn.errors import EspcnError, InputError

_MOST_KINDS = 4
"""Kinds of frames for which engines are kept; the one longest unused goes first."""

Upscaler = Callable[[vs.VideoNode, vs.FrameProps], vs.VideoNode]
"""Upscales a clip of constant format and size, going by the properties of one of its frames."""


def is_varying(clip: vs.VideoNode) -> bool:
    """Whether frames of the clip differ in format or size."""
    return not clip.width or clip.format is None or clip.format.color_family == vs.UNDEFINED


def upscale_varying(clip: vs.VideoNode, upscaler: Upscaler) -> vs.VideoNode:
    """Give each frame to an upscaler for clips of its format and size.

    Args:
        clip: Of any formats and sizes.
        upscaler: Called once for each kind of frame that comes up, again if
            it comes up after `_MOST_KINDS` others.

    Returns:
        A clip whose format and size vary likewise. What cannot be upscaled
        fails when its frame is asked for.
    """
    template = _blank(clip, vs.GRAY8, 16, 16, varformat=True, varsize=True)

    @lru_cache(_MOST_KINDS)
    def of_kind(video: int, width: int, height: int) -> list[vs.VideoNode]:
        """The clip as if all its frames were of this kind; upscaled once a frame's properties are known."""
        return [vs.core.std.FrameEval(_blank(clip, video, width, height), lambda n: clip)]  # noqa: ARG005 - VapourSynth's name

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        uniform = of_kind(f.format.id, f.width, f.height)
        if len(uniform) == 1:
            try:
                _refuse_alpha(f.props)
                uniform.append(upscaler(uniform[0], f.props))
            except EspcnError as error:
                raise vs.Error(f"vs_espcn: frame {n}: {error}") from error
        return uniform[1]

    return vs.core.std.FrameEval(template, choose, prop_src=clip)


def _blank(clip: vs.VideoNode, video: int, width: int, height: int, **varying: bool) -> vs.VideoNode:
    return vs.core.std.BlankClip(
        format=video,
        width=width,
        height=height,
        length=clip.num_frames,
        fpsnum=clip.fps.numerator,
        fpsden=clip.fps.denominator,
        keep=True,
        **varying,
    )


def _refuse_alpha(props: vs.FrameProps) -> None:
    if "_Alpha" in props:
        raise InputError(
            "alpha planes are upscaled only in clips of constant format and size; "
            "drop them with std.RemoveFrameProps(props='_Alpha'), or make the clip constant"
        )
