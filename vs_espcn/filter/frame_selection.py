"""What is decided frame by frame."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import EspcnError, InputError
from vs_espcn.filter.properties import check_progressive


@contextmanager
def as_vs_error(frame: int | None = None) -> Iterator[None]:
    """Turn this package's errors into VapourSynth's, of the same text after ``vs_espcn:``.

    Args:
        frame: Number of the frame that failed, which the text then names.

    Raises:
        vs.Error: In place of an `EspcnError`.
    """
    try:
        yield
    except EspcnError as error:
        where = "" if frame is None else f"frame {frame}: "
        raise vs.Error(f"vs_espcn: {where}{error}") from error


def by_range(
    clip: vs.VideoNode,
    of_range: Callable[[bool], vs.VideoNode],
    is_full: Callable[[Mapping[str, Any]], bool],
    props: Mapping[str, Any],
) -> vs.VideoNode:
    """Take each frame from the result for its own range.

    Args:
        clip: The source; its frames' properties decide, and interlaced ones are refused.
        of_range: The result of the whole clip as if all of it were of full
            range, or none of it; called once for each range that comes up.
        is_full: Whether a frame with these properties is of full range.
        props: Of one frame, whose range is prepared now.

    Raises:
        EspcnError: As from `of_range` and `is_full`.
    """
    of_range = cache(of_range)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        with as_vs_error(n):
            check_progressive(f.props)
            return of_range(is_full(f.props))

    return vs.core.std.FrameEval(of_range(is_full(props)), choose, prop_src=clip)


def alpha_clip(clip: vs.VideoNode, like: vs.VideoFrame) -> vs.VideoNode:
    """The alpha planes, which VapourSynth keeps as frames in the property ``_Alpha``, as a clip.

    ``std.PropToClip`` does so too, but looks at the clip's first frame for it.

    Args:
        clip: Of constant format and size.
        like: One of its alpha planes. A frame without one fails when it is asked for.
    """

    def alpha_of(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        with as_vs_error(n):
            if "_Alpha" not in f.props:
                raise InputError(
                    "the frame has no alpha plane, but others have; drop them with "
                    "std.RemoveFrameProps(props='_Alpha'), or give every frame one with std.ClipToProp"
                )
            return f.props["_Alpha"]

    blank = vs.core.std.BlankClip(clip, like.width, like.height, like.format.id, keep=True)
    return vs.core.std.ModifyFrame(blank, clip, alpha_of)
