"""Images through ``vs-espcn upscale``: depth, grey and alpha of what is read are those of what is written."""

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image

from tests.command import in_this_process
from tests.media import decode, ffmpeg

WIDTH, HEIGHT = 64, 48
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
RGB = np.dstack([X * 3 + 20, Y * 4 + 20, (X + Y) * 2]).astype(np.uint8)
ALPHA = np.where((X - 32) ** 2 + (Y - 24) ** 2 < 400, 255, X * 2).astype(np.uint8)


def palette(path: Path) -> None:
    """A picture of few colours, of which the first is transparent."""
    picture = Image.fromarray(RGB[::8, ::8].repeat(8, 0).repeat(8, 1)).quantize(48)
    picture.save(path, transparency=picture.getpixel((0, 0)))


def with_ffmpeg(path: Path, pixel_format: str) -> None:
    Image.fromarray(np.dstack([RGB, ALPHA])).save(path.with_suffix(".8.png"))
    ffmpeg("-i", path.with_suffix(".8.png"), "-pix_fmt", pixel_format, path)


MAKERS = {
    "rgb": lambda path: Image.fromarray(RGB).save(path),
    "rgba": lambda path: Image.fromarray(np.dstack([RGB, ALPHA])).save(path),
    "grey": lambda path: Image.fromarray(RGB[..., 0]).save(path),
    "grey, alpha": lambda path: Image.fromarray(np.dstack([RGB[..., 0], ALPHA])).save(path),
    "palette, transparency": palette,
    "rgb48": lambda path: with_ffmpeg(path, "rgb48be"),
    "rgba64": lambda path: with_ffmpeg(path, "rgba64be"),
    "grey16": lambda path: with_ffmpeg(path, "gray16be"),
    "grey16, alpha": lambda path: with_ffmpeg(path, "ya16be"),
}


def planes(path: Path) -> tuple[str, list[np.ndarray]]:
    """The format of an image, and its planes with alpha as the last, from 0 to 1."""
    clip = decode(path)
    with clip.get_frame(0) as frame:
        alpha = frame.props.get("_Alpha")
        found = [np.array(plane) for plane in frame]
        if alpha is not None:
            assert isinstance(alpha, vs.VideoFrame)
            found.append(np.array(alpha[0]))
    return clip.format.name, [plane / ((1 << clip.format.bits_per_sample) - 1) for plane in found]


@pytest.mark.parametrize("kind", MAKERS)
def test_an_image_keeps_its_depth_and_alpha(kind: str, tmp_path: Path) -> None:
    """Cells' means are the source's samples, as far as a network may differ."""
    source, output = tmp_path / "small.png", tmp_path / "large.png"
    MAKERS[kind](source)
    in_this_process("upscale", source, output, "--precision", "fp32")
    (name, before), (written, after) = planes(source), planes(output)
    assert written == name
    assert len(after) == len(before)
    for small, large in zip(before, after, strict=True):
        cells = large.reshape(HEIGHT, 2, WIDTH, 2).mean((1, 3))
        assert np.abs(cells - small).mean() < 0.02
        assert large.max() - large.min() > 0.4
    if "16" in kind or "48" in kind or "64" in kind:
        codes = np.unique((after[0] * 65535).round().astype(int))
        assert np.any(codes % 257), "16 bits, not 8 spread over them"


def test_a_frame_of_more_than_8_bits_is_a_deep_png(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.04", "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", film)
    in_this_process("upscale", film, tmp_path / "frame.png", "--frames", "1")
    assert decode(tmp_path / "frame.png").format.name == "RGB48"
