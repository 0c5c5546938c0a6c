"""Upscaling of several frames at once by an engine.

VapourSynth calls one filter's Python callback one frame at a time. A clip is
therefore split into lanes, each a filter with its own slot of the engine: lane
i takes frames i, i + lanes, i + 2·lanes, … Frames may be requested in any
order, no state is shared, and only the output frame is allocated per frame.
"""

from collections.abc import Callable, Sequence

import vapoursynth as vs

from vs_espcn.filter.sample_formats import plane
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.runtime.engine import Slot

SlotChoice = Callable[[vs.FrameProps], Slot]
"""A lane's slot for a frame with these properties."""


def upscale_in_lanes(clip: vs.VideoNode, scale: int, slots: Sequence[SlotChoice]) -> vs.VideoNode:
    """Upscale the first plane of every frame.

    Args:
        clip: GRAY or YUV of constant format and size, at least ``len(slots)`` frames long.
        scale: The scale of the slots' network.
        slots: One choice per lane; the returned clip keeps them.

    Returns:
        A GRAY clip of `scale` times the size, with all properties of `clip`'s frames.
    """
    step = len(slots)
    if step == 1:
        return _lane(clip, scale, slots[0], first=0, step=1)
    lanes = [
        _lane(
            vs.core.std.SelectEvery(clip, step, [first], modify_duration=False),
            scale,
            slot,
            first=first,
            step=step,
        )
        for first, slot in enumerate(slots)
    ]
    return vs.core.std.Interleave(lanes, modify_duration=False)


def _lane(clip: vs.VideoNode, scale: int, slot: SlotChoice, *, first: int, step: int) -> vs.VideoNode:
    """Upscale one lane: `clip` holds every `step`-th frame of the whole clip, from frame `first` on."""
    video = clip.format.replace(color_family=vs.GRAY, subsampling_w=0, subsampling_h=0)
    width, height = clip.width * scale, clip.height * scale

    def upscale_frame(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        target = vs.core.create_video_frame(video, width, height)
        target.props.update(f.props)
        with as_vs_error(first + n * step):
            slot(f.props).upscale(plane(f), plane(target))
        return target

    blank = vs.core.std.BlankClip(clip, width=width, height=height, format=video.id, keep=True)
    return vs.core.std.ModifyFrame(blank, clip, upscale_frame)
