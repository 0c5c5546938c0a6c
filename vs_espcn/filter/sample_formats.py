"""Conversion of VapourSynth's sample formats and planes to the engines'."""

import numpy as np
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.frame_properties import without_description
from vs_espcn.networks import graph
from vs_espcn.runtime.engine import Plane

SAMPLE_FORMATS: dict[tuple[vs.SampleType, int], graph.SampleFormat] = {
    (vs.INTEGER, 8): graph.UINT8,
    **{(vs.INTEGER, depth): sample for depth, sample in graph.UINT16.items()},
    (vs.FLOAT, 16): graph.FLOAT16,
    (vs.FLOAT, 32): graph.FLOAT32,
}


def sample_format(video: vs.VideoFormat) -> graph.SampleFormat:
    """Return the engine's sample format for a clip's format.

    Raises:
        InputError: The depth is not supported.
    """
    sample = SAMPLE_FORMATS.get((video.sample_type, video.bits_per_sample))
    if sample is None:
        raise InputError(
            f"format {video.name} is not supported; convert to 8 to 16 bits, half or single float first, "
            "for example with clip.resize.Point(format=vs.YUV420P16)"
        )
    return sample


def split_plane(clip: vs.VideoNode, index: int) -> vs.VideoNode:
    """Return one plane as a GRAY clip that any resizer accepts.

    Its colour description is removed: resizers refuse frames whose description
    they cannot interpret, and scaling does not need it.
    """
    return without_description(vs.core.std.ShufflePlanes(clip, index, vs.GRAY))


def plane(frame: vs.VideoFrame, index: int = 0) -> Plane:
    """Return a view of one plane as (height, width); valid as long as `frame` is.

    Its rows are strided. It is writable if the frame is.
    """
    return np.asarray(frame[index])
