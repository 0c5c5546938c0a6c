import logging
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vs_espcn.errors import InputError
from vs_espcn.training.data.image_files import MOST_PIXELS, find_images, read_images, read_luma, read_pixels


def test_images_are_found_in_folders_inside_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    for name in ("b.png", "a.JPG", "inside/c.webp", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images([tmp_path])] == ["a.JPG", "b.png", "c.webp"]


def test_a_missing_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        find_images([tmp_path / "none"])
    with pytest.raises(InputError, match="no images in"):
        find_images([tmp_path])


def save(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path


def test_grey_counts_as_equal_red_green_blue(tmp_path: Path) -> None:
    grey = np.array([[0, 128, 255]], np.uint8)
    path = save(tmp_path / "grey.png", grey)
    assert read_luma(path).tolist() == [[16, 126, 235]]
    assert read_pixels(path).tolist() == grey.tolist()


def test_16_bit_grey_keeps_its_upper_byte(tmp_path: Path) -> None:
    path = save(tmp_path / "deep.png", np.array([[0, 0x80FF, 0xFFFF]], np.uint16))
    assert read_luma(path).tolist() == [[16, 126, 235]]


def test_transparency_shows_mid_grey(tmp_path: Path) -> None:
    path = save(tmp_path / "alpha.png", np.array([[[255, 0, 0, 0], [255, 255, 255, 255]]], np.uint8))
    assert read_luma(path).tolist() == [[126, 235]]


def test_unusable_images_are_skipped_with_a_line_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "good.png", np.zeros((32, 32, 3), np.uint8))
    save(tmp_path / "tiny.png", np.zeros((8, 32, 3), np.uint8))
    (tmp_path / "corrupt.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    (tmp_path / "text.jpg").write_text("no image")
    with caplog.at_level(logging.INFO):
        images = read_images(find_images([tmp_path]), smallest=16)
    assert [path.name for path in images] == ["good.png"]
    assert "tiny.png is 32x8; 16 pixels a side are needed" in caplog.text
    assert "corrupt.png cannot be decoded" in caplog.text
    assert "text.jpg cannot be decoded" in caplog.text
    assert "1 images read, 3 skipped" in caplog.text


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("side", [8001, 10_000, 30_000])
def test_an_image_that_would_take_all_memory_is_skipped_undecoded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, side: int
) -> None:
    """Of 10,000² Pillow itself only warns, and of 30,000² it raises an error of its own."""
    save(tmp_path / "good.png", np.zeros((32, 32), np.uint8))
    assert side * side > MOST_PIXELS
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(side + 1)))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels)
    images = read_images(find_images([tmp_path]), smallest=16)
    assert [path.name for path in images] == ["good.png"]
    (line,) = caplog.messages
    assert line.startswith("skipped: ")
    assert (
        f"bomb.png is {side}x{side}, above the limit of 64 megapixels" in line or "decompression bomb" in line
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_fifo_among_images_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert read_images(find_images([tmp_path]), smallest=16) == {}
    assert "pipe.png is not a regular file; leave it out" in caplog.text


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "L", "1", "I;16", "LA"])
def test_images_of_any_mode_train(mode: str, tmp_path: Path) -> None:
    grey = Image.fromarray(np.linspace(0, 255, 40 * 40).reshape(40, 40).astype(np.uint8))
    image = (
        Image.fromarray(np.asarray(grey, np.uint16) * 257)
        if mode == "I;16"
        else grey.convert("RGB").convert(mode)
    )
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    image.save(path)
    luma = read_luma(path)
    assert luma.shape == (40, 40)
    assert luma.min() < 30
    assert luma.max() > 200
