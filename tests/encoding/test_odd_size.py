"""Pictures whose last column or row is half a chroma sample."""

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests.command import in_own_process
from tests.media import decode, ffmpeg
from vs_espcn.encoding.odd_size import upscale_picture
from vs_espcn.encoding.source import open_source
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.runtime.backends import OpenVINO


def film(path: Path, pixel_format: str, *encoder: str) -> Path:
    picture = ("-f", "lavfi", "-i", "testsrc=s=161x121:r=25:d=0.12", "-pix_fmt", pixel_format)
    ffmpeg(*picture, *encoder, path)
    return path


@pytest.mark.parametrize(
    ("name", "pixel_format", "encoder"),
    [
        ("in.webm", "yuv420p", ("-c:v", "libvpx-vp9", "-b:v", "2M")),
        ("in.avi", "yuvj420p", ("-c:v", "mjpeg", "-q:v", "2")),
        ("in.mp4", "yuv420p", ("-c:v", "mpeg4", "-q:v", "2")),
        ("in.mkv", "yuv422p10le", ("-c:v", "ffv1")),
        ("in410.mkv", "yuv410p", ("-c:v", "ffv1")),
    ],
)
def test_the_command_keeps_the_last_column_and_row(
    tmp_path: Path, name: str, pixel_format: str, encoder: tuple[str, ...]
) -> None:
    source, output = film(tmp_path / name, pixel_format, *encoder), tmp_path / "out.mkv"
    in_own_process(
        "upscale", source, output, "--network", "subpixel-s", "--precision", "fp32", "--preset", "ffv1"
    )
    assert (decode(output).width, decode(output).height) == (322, 242)
    shown = ("-frames:v", "1", "-vf", "scale=161:121:flags=area,format=gray", "-f", "rawvideo", "-")
    before, after = (
        np.frombuffer(ffmpeg("-i", path, *shown), np.uint8).astype(int) for path in (source, output)
    )
    apart = np.abs(before - after).reshape(121, 161)
    assert apart[:, -4:].mean() < 6
    assert apart[-4:].mean() < 6


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"scale": 2}, (322, 242)),
        ({"scale": 3}, (484, 364)),
        ({"scale": 1.5}, (242, 182)),
        ({"width": 480}, (480, 362)),
        ({"width": 640, "height": 480}, (640, 480)),
    ],
)
def test_sizes_are_rounded_up(tmp_path: Path, options: dict[str, float], size: tuple[int, int]) -> None:
    source = open_source(film(tmp_path / "in.mkv", "yuv420p", "-c:v", "ffv1"))
    chosen = UpscaleOptions(network="subpixel-s", backend=OpenVINO(precision="fp32"), **options)
    clip = upscale_picture(source.clip, source.picture, chosen)
    assert (clip.width, clip.height) == size
    props = clip.get_frame(0).props
    shape = size[0] * props.get("_SARNum", 1) / (size[1] * props.get("_SARDen", 1))
    assert shape == pytest.approx(161 / 121, rel=0.01)
    assert isinstance(clip, vs.VideoNode)


def test_alpha_that_is_lost_gets_a_note(tmp_path: Path) -> None:
    clear = ("-vf", "format=rgba,colorchannelmixer=aa=0.5", "-c:v", "qtrle")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.08", *clear, tmp_path / "in.mov")
    network = ("--network", "subpixel-s", "--precision", "fp32")
    lost = in_own_process(
        "upscale", tmp_path / "in.mov", tmp_path / "out.mp4", *network, "--", "-c:v", "libx264"
    )
    assert "alpha is left out, since the encoder in .mp4 does not keep it" in lost.stderr
    kept = in_own_process(
        "upscale", tmp_path / "in.mov", tmp_path / "out.mov", *network, "--preset", "prores"
    )
    assert "alpha" not in kept.stderr
    alpha = ffmpeg(
        "-i", tmp_path / "out.mov", "-frames:v", "1", "-vf", "alphaextract,format=gray", "-f", "rawvideo", "-"
    )
    assert np.frombuffer(alpha, np.uint8).mean() == pytest.approx(128, abs=2)
