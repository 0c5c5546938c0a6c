from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image

from tests.clips import noise_clip
from vs_espcn.encoding.side_by_side import (
    CropArea,
    enlarged,
    frame_picture,
    parse_crop,
    png,
    side_by_side,
    write_whole,
)
from vs_espcn.errors import EncodeError, InputError

CAPTION_LINE, MARGIN, GAP = 20, 4, 6


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("64x48+10+20", CropArea(width=64, height=48, x=10, y=20)),
        ("320x180+0+0", CropArea(width=320, height=180, x=0, y=0)),
        ("64x48", CropArea(width=64, height=48, x=128, y=66)),
    ],
)
def test_areas(text: str, area: CropArea) -> None:
    assert parse_crop(text, 320, 180) == area


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64", "crop '64' is not understood; give WxH or WxH"),
        ("9" * 5000 + "x48", "crop '9{40}' is not understood"),
        ("٩x48", "crop '٩x48' is not understood"),
        ("0x48", "crop '0x48' is not understood"),
        ("64x00+1+1", "crop '64x00.1.1' is not understood"),
        ("64x48+-1+0", "is not understood"),
        ("40,60,64,48", "crop '40,60,64,48' is not understood; give WxH or WxH"),
        ("64x48+300+0", "crop '64x48.300.0' reaches beyond the picture, which is 320x180"),
        ("321x10", "crop '321x10' reaches beyond the picture"),
    ],
)
def test_areas_that_cannot_be_shown(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_crop(text, 320, 180)


def test_an_area_is_cut_out_of_the_upscaled_picture_too() -> None:
    samples = np.random.default_rng(1).integers(0, 256, (60, 80), dtype=np.uint8)
    area = CropArea(width=10, height=6, x=3, y=7)
    assert np.array_equal(area.of(Image.fromarray(samples)), samples[7:13, 3:13])
    assert np.array_equal(area.of(Image.fromarray(samples), 2), samples[14:26, 6:26])


def test_samples_are_repeated_to_enlarge() -> None:
    samples = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(enlarged(Image.fromarray(samples), 12), np.kron(samples, np.ones((4, 4), np.uint8)))
    assert enlarged(Image.new("L", (500, 30)), 200).size == (500, 30), "nothing is made smaller"


def test_cells_form_a_table() -> None:
    wide, narrow = Image.new("L", (300, 10), 50), Image.new("L", (200, 40), 90)
    table = side_by_side([{"a": narrow, "b": wide}, {"c\nd": wide}])
    lines = [GAP + CAPTION_LINE + MARGIN, 2 * GAP + CAPTION_LINE + MARGIN + 40 + 2 * CAPTION_LINE + MARGIN]
    assert table.mode == "L"
    assert table.size == (3 * GAP + 600, lines[1] + 10 + GAP)
    shown = np.asarray(table)
    assert np.all(shown[lines[0] : lines[0] + 40, GAP : GAP + 200] == 90)
    assert np.all(shown[lines[0] : lines[0] + 10, 2 * GAP + 300 : 2 * GAP + 600] == 50)
    assert np.all(shown[lines[1] : lines[1] + 10, GAP : GAP + 300] == 50)
    for top, left in ((GAP, GAP), (GAP, 2 * GAP + 300), (lines[1] - CAPTION_LINE - MARGIN, GAP)):
        assert shown[top : top + CAPTION_LINE, left : left + 20].max() > 200, "a caption's line"


@pytest.mark.parametrize("size", [(2, 300), (300, 1)])
def test_thin_pictures_leave_room_for_their_names(size: tuple[int, int]) -> None:
    table = np.asarray(side_by_side([{"subpixel-m-anime": Image.new("RGB", size, "red")}]))
    caption = table[GAP : GAP + CAPTION_LINE]
    assert caption[:, 100:].max() > 200
    assert caption[:, -GAP:].max() == 0


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
def test_a_frame_is_shown_with_its_own_matrix(matrix: int) -> None:
    clip = noise_clip(vs.YUV420P8, 64, 48, 3, _Matrix=matrix)
    expected = vs.core.resize.Bicubic(clip, format=vs.RGB24).get_frame(2)
    assert np.array_equal(frame_picture(clip, 2), np.dstack([np.asarray(plane) for plane in expected]))


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_or_with_the_usual_one_of_its_size(height: int, matrix: int) -> None:
    clip = vs.core.std.RemoveFrameProps(noise_clip(vs.YUV444P8, 64, height), "_Matrix")
    expected = vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=matrix).get_frame(0)
    assert np.array_equal(frame_picture(clip), np.dstack([np.asarray(plane) for plane in expected]))


def test_a_frame_that_cannot_be_made_is_an_error() -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # noqa: ARG001 - VapourSynth's names
        raise ValueError("no such sample")

    clip = noise_clip(vs.RGB24, 16, 16)
    with pytest.raises(EncodeError, match="a frame could not be made: "):
        frame_picture(vs.core.std.ModifyFrame(clip, clip, fail))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    path = tmp_path / "out.png"
    write_whole(png(Image.fromarray(samples)), path, overwrite=False)
    with pytest.raises(EncodeError, match="appeared while it was being written"):
        write_whole(png(Image.new("RGB", (4, 4))), path, overwrite=False)
    with Image.open(path) as written:
        assert np.array_equal(written, samples)
    with pytest.raises(EncodeError, match="cannot be written"):
        write_whole(png(Image.new("RGB", (4, 4))), tmp_path / "absent" / "out.png", overwrite=False)
    write_whole(png(Image.new("L", (4, 4))), path, overwrite=True)
    with Image.open(path) as written:
        assert written.size == (4, 4)
