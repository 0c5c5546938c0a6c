"""The picture of all networks, beside what the filter gives for each."""

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image

import vs_espcn
from tests.clips import noise_clip
from vs_espcn.encoding.comparison import (
    comparison_picture,
    default_crop,
    frame_of,
    networks_of,
    reduced,
    upscaled_pictures,
)
from vs_espcn.encoding.side_by_side import CropArea
from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.networks.quality import quality_of

CAPTION, GAP = 24, 6


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


def test_the_best_network_for_compressed_video_is_last() -> None:
    figures = [quality_of(registry.find(name, 2)).video for name in networks_of(2)]
    assert figures == sorted(figures)


def test_several_frames_are_labelled() -> None:
    one = {"a": Image.new("RGB", (640, 640)), "b": Image.new("RGB", (640, 640))}
    assert comparison_picture([("frame 0", one)]).size == (2 * 646 + GAP, 640 + CAPTION + 2 * GAP)
    assert comparison_picture([("frame 0", one), ("frame 1", one)]).height == 2 * (640 + CAPTION + GAP) + GAP


def test_a_page_shows_more_than_a_picture() -> None:
    assert default_crop(1920, 1080, is_page=False) == "160x120"
    assert default_crop(1920, 1080, is_page=True) == "960x540"
    assert default_crop(64, 48, is_page=True) == "64x48"


@pytest.mark.parametrize(
    ("video", "size"),
    [(vs.GRAY8, (16, 11)), (vs.YUV420P8, (16, 10)), (vs.YUV444P16, (16, 11)), (vs.RGB24, (16, 11))],
)
def test_an_original_is_reduced_by_whole_samples(video: vs.PresetVideoFormat, size: tuple[int, int]) -> None:
    clip = noise_clip(video, 50, 34)
    low = reduced(clip, 3)
    assert (low.width, low.height) == size
    assert low.format.id == clip.format.id
    with pytest.raises(InputError, match="x64 needs a larger one"):
        reduced(clip, 64)


@pytest.mark.parametrize("video", [vs.GRAY8, vs.YUV420P8, vs.YUV420P10, vs.RGB24])
def test_each_result_stands_under_its_name(video: vs.PresetVideoFormat) -> None:
    source = noise_clip(video, 64, 48)
    if video != vs.RGB24:
        source = vs.core.std.SetFrameProps(source, _Matrix=1, _Range=0)
    part = CropArea(width=40, height=30, x=11, y=6)
    pictures = upscaled_pictures(source, part, 2, ["bicubic", "espcn", "subpixel-m"])
    picture = comparison_picture([("frame 0", pictures)])
    # 80×60 is shown eight times as large, and two pictures beside each other.
    width, height = 640 + GAP, 480 + CAPTION + GAP
    assert picture.mode == "RGB"
    assert picture.size == (2 * width + GAP, 2 * height + GAP)
    shown = np.asarray(picture)
    for index, network in enumerate(["espcn", "subpixel-m"], start=1):
        expected = vs.core.resize.Bicubic(vs_espcn.upscale(source, 2, network=network), format=vs.RGB24)
        left, top = index % 2 * width + GAP, index // 2 * height + GAP + CAPTION
        for plane in range(3):
            tile = shown[top : top + 480, left : left + 640, plane]
            whole = np.asarray(expected.get_frame(0)[plane])[12:72, 22:102]
            assert np.array_equal(tile, np.kron(whole, np.ones((8, 8), np.uint8)))
    for left, top in ((GAP, GAP), (width + GAP, GAP), (GAP, height + GAP)):
        assert shown[top : top + CAPTION, left : left + 200].max() > 200, "a caption"
    assert shown[height + GAP :, width + GAP :].max() == 0, "nothing is left to show"
