"""Formats that no pipe carries, brought to one that does."""

import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import noise_clip, samples
from vs_espcn.encoding.pixel_format import encodable
from vs_espcn.streaming.y4m_writer import COLOUR_SPACES


def yuv(bits: int, horizontal: int, vertical: int, kind: vs.SampleType = vs.INTEGER) -> int:
    return vs.core.query_video_format(vs.YUV, kind, bits, horizontal, vertical).id


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (yuv(8, 0, 1), yuv(8, 0, 0)),
        (yuv(8, 2, 2), yuv(8, 1, 1)),
        (yuv(10, 2, 0), yuv(10, 1, 0)),
        (yuv(11, 1, 1), yuv(12, 1, 1)),
        (yuv(32, 1, 1, vs.FLOAT), yuv(16, 1, 1)),
        (vs.GRAYS, vs.GRAY16),
        (vs.RGB24, vs.YUV444P8),
        (vs.RGB30, vs.YUV444P10),
        (vs.RGBS, vs.YUV444P16),
    ],
)
def test_the_nearest_format_that_a_pipe_carries(before: int, after: int) -> None:
    clip = vs.core.std.BlankClip(width=64, height=48, format=before, length=1)
    converted, note = encodable(clip)
    assert converted.format.id == after
    assert after in COLOUR_SPACES
    assert note == f"{clip.format.name} is upscaled and encoded as {converted.format.name}"
    assert (converted.width, converted.height) == (64, 48)
    converted.get_frame(0)


@pytest.mark.parametrize("video", [vs.YUV420P8, vs.YUV411P8, vs.GRAY10, vs.YUV444P16])
def test_what_a_pipe_carries_stays(video: int) -> None:
    clip = noise_clip(video, 64, 48)
    assert encodable(clip) == (clip, None)


@pytest.mark.parametrize(("width", "matrix"), [(640, vs.MATRIX_ST170_M), (1280, vs.MATRIX_BT709)])
def test_rgb_gets_the_matrix_of_its_size_and_comes_back(width: int, matrix: vs.MatrixCoefficients) -> None:
    clip = vs.core.std.SetFrameProps(noise_clip(vs.RGB24, width, 16), _Matrix=vs.MATRIX_RGB)
    converted, _ = encodable(clip)
    props = converted.get_frame(0).props
    assert (props["_Matrix"], props["_Range"]) == (matrix, vs.RANGE_LIMITED)
    back = vs.core.resize.Point(converted, format=vs.RGB24)
    error = np.abs(samples(back, 1).astype(int) - samples(clip, 1).astype(int))
    assert error.mean() < 2
