"""The picture of all networks, beside what the filter gives for each."""

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import noise_clip
from vs_espcn.encoding.comparison import CropArea, comparison_picture, frame_of, networks_of, part_of_picture
from vs_espcn.errors import InputError
from vs_espcn.networks import registry

CAPTION, GAP = 40, 8


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("64x48+10+20", CropArea(width=64, height=48, x=10, y=20)),
        ("320x180+0+0", CropArea(width=320, height=180, x=0, y=0)),
        ("64x48", CropArea(width=64, height=48, x=128, y=66)),
        (None, CropArea(width=160, height=120, x=80, y=30)),
    ],
)
def test_parts(text: str | None, part: CropArea) -> None:
    assert part_of_picture(text, 320, 180) == part


def test_of_a_small_picture_all_is_shown() -> None:
    assert part_of_picture(None, 100, 40) == CropArea(width=100, height=40, x=0, y=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64", "crop '64' is not understood; give WxH or WxH"),
        ("9" * 5000 + "x48", "crop '9{40}' is not understood"),
        ("٩x48", "crop '٩x48' is not understood"),
        ("0x48", "crop '0x48' is not understood"),
        ("64x00+1+1", "crop '64x00.1.1' is not understood"),
        ("64x48+-1+0", "is not understood"),
        ("64x48+300+0", "crop '64x48.300.0' reaches beyond the picture, which is 320x180"),
        ("321x10", "crop '321x10' reaches beyond the picture"),
    ],
)
def test_parts_that_cannot_be_shown(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        part_of_picture(text, 320, 180)


def test_a_frame_that_is_not_there() -> None:
    clip = noise_clip(vs.GRAY8, 16, 16, 5)
    assert frame_of(clip, 4).num_frames == 1
    for number in (5, -1):
        with pytest.raises(InputError, match=f"frame {number} is not in the video; it has frames 0 to 4"):
            frame_of(clip, number)


def test_networks_are_those_of_the_scale_but_int8() -> None:
    assert "espcn" in networks_of(3)
    assert {registry.find(name, 3).network for name in networks_of(3)} == set(networks_of(3))
    assert not [name for name in networks_of(3) if name.endswith("-int8")]
    with pytest.raises(InputError, match="scale 5 has no network; choose one of 2, 3, 4"):
        networks_of(5)


@pytest.mark.parametrize("video", [vs.GRAY8, vs.YUV420P8, vs.YUV420P10, vs.RGB24])
def test_each_result_stands_under_its_name(video: vs.PresetVideoFormat) -> None:
    source = noise_clip(video, 64, 48)
    if video != vs.RGB24:
        source = vs.core.std.SetFrameProps(source, _Matrix=1, _Range=0)
    part = CropArea(width=40, height=30, x=11, y=6)
    picture = comparison_picture(source, part, 2, ["espcn", "subpixel-m"])
    # 80×60 is shown eight times as large, and two pictures beside each other.
    width, height = 640 + GAP, 480 + CAPTION
    assert (picture.format.id, picture.num_frames) == (vs.RGB24, 1)
    assert (picture.width, picture.height) == (2 * width, 2 * height)
    shown = picture.get_frame(0)
    for index, network in enumerate(["espcn", "subpixel-m"], start=1):
        expected = vs.core.resize.Bicubic(vs_espcn.upscale(source, 2, network=network), format=vs.RGB24)
        left, top = index % 2 * width, index // 2 * height + CAPTION
        for plane in range(3):
            tile = np.asarray(shown[plane])[top : top + 480, left : left + 640]
            whole = np.asarray(expected.get_frame(0)[plane])[12:72, 22:102]
            assert np.array_equal(tile, np.kron(whole, np.ones((8, 8), np.uint8)))
    for left, top in ((0, 0), (width, 0), (0, height)):
        assert np.asarray(shown[1])[top : top + CAPTION, left : left + 200].max() > 200, "a caption"
    assert np.asarray(shown[1])[height:, width:].max() == 0, "nothing is left to show"


def test_narrow_parts_leave_room_for_the_names() -> None:
    picture = comparison_picture(
        noise_clip(vs.GRAY8, 32, 320), CropArea(width=2, height=300, x=0, y=0), 2, ["espcn"]
    )
    assert picture.width == 2 * 240


def test_low_parts_too() -> None:
    picture = comparison_picture(
        noise_clip(vs.GRAY8, 320, 32), CropArea(width=320, height=1, x=0, y=9), 4, ["espcn"]
    )
    assert picture.height == 48 + CAPTION
