"""Choose between results for different kinds of frames, frame by frame."""

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

import vapoursynth as vs

from vs_espcn.filter.frame_properties import check_progressive
from vs_espcn.filter.vs_errors import as_vs_error

_MOST_KINDS = 16
"""Kinds of frames for which results are kept; the one longest unused goes first."""


def by_frame[Kind: Hashable](
    clip: vs.VideoNode,
    of_kind: Callable[[Kind], vs.VideoNode],
    kind_of: Callable[[Mapping[str, Any]], Kind],
    props: Mapping[str, Any],
) -> vs.VideoNode:
    """Take each frame from the result for its own kind.

    Args:
        clip: The source; its frames' properties decide, and interlaced ones are refused.
        of_kind: The result of the whole clip as if all of it were of one kind;
            called once for each kind that comes up, again after `_MOST_KINDS` others.
        kind_of: The kind of a frame with these properties.
        props: Of one frame, whose kind is prepared now.

    Returns:
        A clip of the format and size that all results have.

    Raises:
        EspcnError: As from `of_kind` and `kind_of`.
    """
    of_kind = lru_cache(_MOST_KINDS)(of_kind)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        with as_vs_error(n):
            check_progressive(f.props)
            return of_kind(kind_of(f.props))

    return vs.core.std.FrameEval(of_kind(kind_of(props)), choose, prop_src=clip)
