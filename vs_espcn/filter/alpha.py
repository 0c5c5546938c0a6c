"""Alpha planes, which VapourSynth keeps as frames in the property ``_Alpha``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError


@dataclass(frozen=True, kw_only=True)
class AlphaFormat:
    """Format and size of an alpha plane."""

    video: int
    width: int
    height: int


def alpha_format(props: Mapping[str, Any]) -> AlphaFormat | None:
    """Return the format and size of a frame's alpha plane; None without one.

    Raises:
        InputError: The property holds something else than one GRAY frame.
    """
    if "_Alpha" not in props:
        return None
    alpha = props["_Alpha"]
    if not isinstance(alpha, vs.VideoFrame) or alpha.format.color_family != vs.GRAY:
        held = alpha.format.name if isinstance(alpha, vs.VideoFrame) else f"a {type(alpha).__name__}"
        raise InputError(
            f"_Alpha is {held}; it has to be a GRAY frame, as std.ClipToProp writes it, "
            "or be removed with std.RemoveFrameProps(props='_Alpha')"
        )
    return AlphaFormat(video=alpha.format.id, width=alpha.width, height=alpha.height)


def alpha_clip(clip: vs.VideoNode, alpha: AlphaFormat) -> vs.VideoNode:
    """Return the alpha planes of a clip as a GRAY clip.

    ``std.PropToClip`` would need the clip's first frame.

    Args:
        clip: Of constant format and size.
        alpha: Of the frames that are asked for; others of the clip may differ.
    """
    blank = vs.core.std.BlankClip(clip, alpha.width, alpha.height, alpha.video, keep=True)
    return vs.core.std.ModifyFrame(blank, clip, lambda n, f: f.props["_Alpha"])  # noqa: ARG005 - VapourSynth's
