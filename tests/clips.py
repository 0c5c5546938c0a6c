"""Clips and arrays that several tests use."""

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray


def noise_clip(video: int, width: int, height: int, length: int = 1, **props: int) -> vs.VideoNode:
    """A clip of random codes over the whole range of its format; the same on every call."""

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        rng = np.random.default_rng([n, width, height])
        for index in range(frame.format.num_planes):
            plane = np.asarray(frame[index])
            if frame.format.sample_type == vs.FLOAT:
                plane[:] = rng.random(plane.shape) - (0.5 if index else 0)
            else:
                plane[:] = rng.integers(0, 1 << frame.format.bits_per_sample, plane.shape)
        return frame

    blank = vs.core.std.BlankClip(width=width, height=height, format=video, length=length)
    clip = vs.core.std.ModifyFrame(blank, blank, fill)
    return vs.core.std.SetFrameProps(clip, **props) if props else clip


def clip_of(codes: NDArray[np.generic], video: int) -> vs.VideoNode:
    """A clip of one frame of one plane."""
    frame = vs.core.create_video_frame(vs.core.get_video_format(video), codes.shape[1], codes.shape[0])
    np.copyto(np.asarray(frame[0]), codes)
    blank = vs.core.std.BlankClip(width=codes.shape[1], height=codes.shape[0], format=video, length=1)
    return vs.core.std.ModifyFrame(blank, blank, lambda n, f: frame)  # noqa: ARG005


def samples(clip: vs.VideoNode, plane: int = 0, frame: int = 0) -> NDArray[np.generic]:
    """A copy of one plane's codes."""
    return np.array(clip.get_frame(frame)[plane])


def largest_difference(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Largest absolute difference between two arrays of the same shape."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
