"""Choose between results for limited and for full range, frame by frame."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import vapoursynth as vs

from vs_espcn.filter.frame_properties import check_progressive
from vs_espcn.filter.vs_errors import as_vs_error


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
