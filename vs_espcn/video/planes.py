"""Between VapourSynth's frames and the engines' arrays: formats, planes, range."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import vapoursynth as vs

from vs_espcn import graph
from vs_espcn.errors import InputError
from vs_espcn.runtime.base import Plane

SAMPLE_FORMATS: dict[tuple[vs.SampleType, int], graph.SampleFormat] = {
    (vs.INTEGER, 8): graph.GRAY8,
}

SUBSAMPLINGS: dict[tuple[int, int], str] = {(0, 0): "4:4:4", (1, 0): "4:2:2", (1, 1): "4:2:0"}
"""Accepted chroma subsampling, log2 of (width, height), and its name."""


def sample_format(video: vs.VideoFormat) -> graph.SampleFormat:
    """The engine's sample format for a clip's format.

    Raises:
        InputError: The colour family, subsampling or depth is not supported.
    """
    sample = SAMPLE_FORMATS.get((video.sample_type, video.bits_per_sample))
    subsampling = (video.subsampling_w, video.subsampling_h)
    if sample is None or video.color_family not in {vs.GRAY, vs.YUV} or subsampling not in SUBSAMPLINGS:
        raise InputError(
            f"format {video.name} is not supported; convert to 8-bit GRAY or YUV "
            f"{'/'.join(SUBSAMPLINGS.values())} first, for example "
            "clip.resize.Bicubic(format=vs.YUV420P8)"
        )
    return sample


def is_full_range(props: Mapping[str, Any]) -> bool:
    """Whether a YUV or GRAY frame's codes span the full range.

    ``_Range`` (0 limited, 1 full) wins over its deprecated, inverted
    predecessor ``_ColorRange`` (0 full, 1 limited); without either the range
    is limited, as VapourSynth's resizers assume.
    """
    if "_Range" in props:
        return bool(props["_Range"] == vs.RANGE_FULL)
    return bool(props.get("_ColorRange", 1) == 0)


def plane(frame: vs.VideoFrame, index: int = 0) -> Plane:
    """View one plane as (height, width); valid as long as `frame` is.

    Its rows are strided. It is writable if the frame is.
    """
    return np.asarray(frame[index])
