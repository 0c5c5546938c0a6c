import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from vs_espcn.errors import InputError
from vs_espcn.video.planes import is_full_range, plane, sample_format


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


@pytest.mark.parametrize("video", [vs.YUV420P10, vs.RGB24, vs.GRAYS, vs.YUV410P8, vs.YUV440P8])
def test_other_formats_are_refused_with_the_fix(video: vs.PresetVideoFormat) -> None:
    with pytest.raises(InputError, match=r"is not supported; convert to 8-bit GRAY or YUV 4:4:4/4:2:2/4:2:0"):
        sample_format(vs.core.get_video_format(video))


@pytest.mark.parametrize("video", [vs.GRAY8, vs.YUV420P8, vs.YUV422P8, vs.YUV444P8])
def test_accepted_formats(video: vs.PresetVideoFormat) -> None:
    assert sample_format(vs.core.get_video_format(video)).dtype == np.uint8
