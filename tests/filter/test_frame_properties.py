from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from vs_espcn.errors import InputError
from vs_espcn.filter.frame_properties import check_progressive, check_range, is_full_range, sample_aspect
from vs_espcn.filter.sample_formats import plane, sample_format


@pytest.mark.parametrize(
    ("props", "full"),
    [
        ({}, False),
        ({"_Range": 1}, True),
        ({"_Range": 0}, False),
        ({"_ColorRange": 0}, True),
        ({"_ColorRange": 1}, False),
        ({"_Range": 1, "_ColorRange": 1}, True),
        ({"_Range": 0, "_ColorRange": 0}, False),
    ],
)
def test_range(props: dict[str, int], full: bool) -> None:
    assert is_full_range(props) == full


def test_a_plane_is_seen_without_its_padding() -> None:
    frame = noise_clip(vs.YUV420P8, 50, 10).get_frame(0)
    assert plane(frame).shape == (10, 50)
    assert plane(frame, 1).shape == (5, 25)
    assert frame.get_stride(0) > 50
    assert not plane(frame).flags.writeable


@pytest.mark.parametrize(
    ("video", "dtype"),
    [
        (vs.GRAY8, np.uint8),
        (vs.YUV420P9, np.uint16),
        (vs.YUV422P10, np.uint16),
        (vs.YUV444P16, np.uint16),
        (vs.GRAYH, np.float16),
        (vs.RGBS, np.float32),
    ],
)
def test_sample_formats(video: vs.PresetVideoFormat, dtype: type) -> None:
    assert sample_format(vs.core.get_video_format(video)).dtype == dtype


def test_deeper_formats_are_refused_with_the_fix() -> None:
    with pytest.raises(
        InputError, match=r"Gray32 is not supported; convert to 8 to 16 bits, half or single float"
    ):
        sample_format(vs.core.query_video_format(vs.GRAY, vs.INTEGER, 32, 0, 0))


@pytest.mark.parametrize("props", [{"_Range": 2}, {"_Range": [0, 1]}, {"_ColorRange": "full"}])
def test_unknown_ranges_are_refused(props: dict) -> None:
    with pytest.raises(InputError, match=r"Range is .*; accepted are 0 and 1"):
        is_full_range(props)


def test_range_argument() -> None:
    assert check_range(None) is None
    assert check_range("full") == "full"
    with pytest.raises(InputError, match="range is 'tv'; give 'limited', 'full', or None"):
        check_range("tv")


def test_interlaced_frames_are_refused_with_the_fix() -> None:
    check_progressive({})
    check_progressive({"_FieldBased": 0})
    with pytest.raises(InputError, match=r"interlaced \(_FieldBased is 2\); deinterlace it first"):
        check_progressive({"_FieldBased": 2})


@pytest.mark.parametrize("value", [3, "top", [0, 1]])
def test_unknown_field_orders_are_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"_FieldBased is .*; accepted are 0 \(progressive\), 1 and 2"):
        check_progressive({"_FieldBased": value})


def test_sample_aspect() -> None:
    assert sample_aspect({"_SARNum": 32, "_SARDen": 27}) == Fraction(32, 27)
    for unknown in ({}, {"_SARNum": 0, "_SARDen": 0}, {"_SARNum": 0, "_SARDen": 1}, {"_SARNum": 4}):
        assert sample_aspect(unknown) == 1
    for wrong in ({"_SARNum": -1, "_SARDen": 1}, {"_SARNum": 4, "_SARDen": "3"}):
        with pytest.raises(InputError, match=r"_SARNum and _SARDen are .*; set both to whole numbers"):
            sample_aspect(wrong)
