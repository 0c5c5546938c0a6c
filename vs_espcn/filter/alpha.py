"""Alpha planes, which VapourSynth keeps as frames in the property ``_Alpha``."""

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.vs_errors import as_vs_error


def alpha_clip(clip: vs.VideoNode, like: vs.VideoFrame) -> vs.VideoNode:
    """Return the alpha planes of a clip as a GRAY clip.

    ``std.PropToClip`` would need the clip's first frame.

    Args:
        clip: Of constant format and size.
        like: One of its alpha planes. Frames without one fail when they are requested.
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
