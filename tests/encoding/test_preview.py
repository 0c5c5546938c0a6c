import numpy as np
import pytest
import vapoursynth as vs
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import noise_clip
from vs_espcn.encoding.preview import contact_sheet, frames_across
from vs_espcn.errors import InputError

CAPTION, GAP = 24, 6


@given(frames=st.integers(1, 100_000), count=st.integers(1, 50))
def test_frames_are_across_the_clip(frames: int, count: int) -> None:
    numbers = frames_across(frames, count)
    assert len(numbers) == len(set(numbers)) == min(frames, count)
    assert all(0 <= number < frames for number in numbers)
    part = frames / len(numbers)
    assert all(index * part - 1 < number < (index + 1) * part for index, number in enumerate(numbers))


def test_no_frames_are_an_error() -> None:
    with pytest.raises(InputError, match="preview is 0; give 1 or more"):
        frames_across(10, 0)


@pytest.mark.parametrize("video_format", [vs.GRAY8, vs.YUV420P8, vs.YUV420P10, vs.YUV444P16])
def test_bicubic_is_left_and_the_result_right(video_format: vs.PresetVideoFormat) -> None:
    source = noise_clip(video_format, 128, 48, 5, _Matrix=1, _Range=vs.RANGE_LIMITED)
    result = vs.core.resize.Point(noise_clip(video_format, 256, 96, 5, _Matrix=1), range=vs.RANGE_LIMITED)
    sheet = contact_sheet(source, result, [1, 4])
    width, height = 256 + GAP, CAPTION + 96 + GAP
    assert sheet.mode == "RGB"
    assert sheet.size == (2 * width + GAP, 2 * height + GAP)
    bicubic = vs.core.resize.Bicubic(source, width=256, height=96)
    for row, number in enumerate([1, 4]):
        for column, clip in enumerate([bicubic, result]):
            expected = vs.core.resize.Bicubic(clip[number], format=vs.RGB24).get_frame(0)
            top, left = row * height + GAP + CAPTION, column * width + GAP
            tile = np.asarray(sheet)[top : top + 96, left : left + 256]
            assert np.array_equal(tile, np.dstack([np.asarray(plane) for plane in expected]))


def test_of_a_large_picture_the_middle_is_shown() -> None:
    source = vs.core.std.BlankClip(format=vs.YUV420P8, width=600, height=400, length=1, color=[0, 128, 128])
    result = vs.core.std.BlankClip(source, width=1200, height=800, color=[16, 128, 128])
    dot = vs.core.std.BlankClip(source, width=960, height=540, color=[235, 128, 128])
    middle = vs.core.std.AddBorders(dot, 120, 120, 130, 130, color=[16, 128, 128])
    assert (middle.width, middle.height) == (result.width, result.height)
    sheet = contact_sheet(source, middle, [0])
    assert sheet.size == (2 * 960 + 3 * GAP, CAPTION + 540 + 2 * GAP)
    right = np.asarray(sheet)[GAP + CAPTION : -GAP, 960 + 2 * GAP : -GAP]
    assert right.min() == right.max() == 255
