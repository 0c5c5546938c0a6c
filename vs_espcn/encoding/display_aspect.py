"""The sample aspect ratio that a film is shown with; BestSource knows only that of the frames."""

import vapoursynth as vs

from vs_espcn.encoding.media_info import StreamInfo
from vs_espcn.filter.frame_properties import sample_aspect


def with_display_aspect(clip: vs.VideoNode, stream: StreamInfo, *, turned: bool) -> vs.VideoNode:
    """Give a clip the aspect ratio that players show it with.

    The container's ratio wins over the frames' own, as in ffmpeg. A picture that is
    turned by a quarter has its samples turned, too.

    Args:
        clip: The film, from BestSource.
        stream: What the container says of it.
        turned: Whether a rotation tag was applied to the picture.
    """
    is_sideways = turned and stream.is_sideways
    aspect = stream.aspect
    if aspect is None:
        if not is_sideways:
            return clip
        with clip.get_frame(0) as frame:
            aspect = sample_aspect(frame.props)
    if is_sideways:
        aspect = 1 / aspect
    return vs.core.std.SetFrameProps(clip, _SARNum=aspect.numerator, _SARDen=aspect.denominator)
