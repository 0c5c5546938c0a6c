import re

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import largest_difference, noise_clip, samples
from vs_espcn.filter.rgb import MATRICES, from_yuv, to_yuv

FP32 = vs_espcn.OpenVINO(precision="fp32")
FORMATS = (vs.RGB24, vs.RGB27, vs.RGB30, vs.RGB36, vs.RGB42, vs.RGB48, vs.RGBH, vs.RGBS)


@pytest.mark.parametrize("video", FORMATS)
@pytest.mark.parametrize("full_range", [False, True])
def test_the_way_there_and_back_costs_at_most_one_code(video: int, full_range: bool) -> None:
    clip = noise_clip(video, 40, 30, _Matrix=0)
    # A code; of floats what a sum in float32 may lose (1.2e-7 was seen), and one step of half floats.
    unit = {vs.RGBS: 1e-6, vs.RGBH: 2**-11}.get(video, 1)
    for matrix in (None, *MATRICES):
        back = from_yuv(to_yuv(clip, matrix, full_range=full_range), clip, matrix, full_range=full_range)
        for index in range(3):
            assert largest_difference(samples(clip, index), samples(back, index)) <= unit


@pytest.mark.parametrize("video", FORMATS)
def test_format_size_and_properties_are_kept(video: int) -> None:
    clip = noise_clip(video, 30, 20, length=3, _Matrix=0, _SARNum=4, _SARDen=3)
    result = vs_espcn.upscale(clip, 2)
    assert (result.format.id, result.width, result.height) == (video, 60, 40)
    assert dict(result.get_frame(1).props) == dict(clip.get_frame(1).props)


def test_grey_rgb_is_the_grey_clip() -> None:
    """Where red, green and blue are equal, each is what GRAY of full range becomes."""
    gray = noise_clip(vs.GRAY8, 40, 30, _Range=1)
    rgb = vs.core.std.ShufflePlanes([gray] * 3, [0] * 3, vs.RGB)
    rgb = vs.core.std.RemoveFrameProps(rgb, "_Range")
    expected = samples(vs_espcn.upscale(gray, 3, backend=FP32))
    result = vs_espcn.upscale(rgb, 3, backend=FP32)
    for index in range(3):
        assert largest_difference(samples(result, index), expected) <= 1


def test_flat_colours_keep_their_codes() -> None:
    for color in ([200, 40, 90], [16, 235, 128], [60, 60, 220]):
        clip = vs.core.std.BlankClip(width=32, height=32, format=vs.RGB24, length=1, color=color)
        result = vs_espcn.upscale(clip, 2)
        assert [int(samples(result, index)[32, 32]) for index in range(3)] == pytest.approx(color, abs=1)


def test_the_matrix_is_by_size_unless_given() -> None:
    small, large = noise_clip(vs.RGB24, 64, 48), noise_clip(vs.RGB24, 1280, 720)
    for clip, matrix in ((small, vs.MATRIX_ST170_M), (large, vs.MATRIX_BT709)):
        ours = to_yuv(clip, None, full_range=True)
        zimgs = vs.core.resize.Point(clip, format=vs.YUV444PS, matrix=matrix)
        assert np.array_equal(samples(ours), samples(zimgs))


def test_range_may_change_from_frame_to_frame() -> None:
    clip = noise_clip(vs.RGB24, 30, 20)
    limited, full = (vs.core.std.SetFrameProps(clip, _Range=value) for value in (0, 1))
    result = vs_espcn.upscale(vs.core.std.Splice([limited, full, clip, limited]), 2)
    for n, alone in enumerate([limited, full, clip, limited]):
        assert np.array_equal(samples(result, frame=n), samples(vs_espcn.upscale(alone, 2)))


def test_colours_described_wrongly_are_no_obstacle() -> None:
    """As with YUV, whose samples are all that is needed."""
    clip = noise_clip(vs.RGB24, 30, 20)
    wrong = vs.core.std.SetFrameProps(clip, _Matrix=1, _Transfer=99)
    result = vs_espcn.upscale(wrong, 2)
    assert np.array_equal(samples(result), samples(vs_espcn.upscale(clip, 2)))
    assert dict(result.get_frame(0).props) == dict(wrong.get_frame(0).props)


@pytest.mark.parametrize("matrix", [0, 2, 10, 99, -1, "709", [1]])
def test_other_matrices_are_refused(matrix: object) -> None:
    message = re.escape(f"vs_espcn: matrix is {matrix!r}; accepted are 1 (BT709)")
    with pytest.raises(vs.Error, match=message):
        vs_espcn.upscale(noise_clip(vs.RGB24, 16, 16), matrix=matrix)
