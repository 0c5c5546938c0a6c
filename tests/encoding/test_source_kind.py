"""Which codecs kept the picture, told from files that ffmpeg makes."""

from pathlib import Path

import pytest

from tests.media import ffmpeg, pattern
from vs_espcn.encoding.source import open_source
from vs_espcn.encoding.source_kind import lossless_codec

KEPT = {
    "ffv1.mkv": ("ffv1", "-c:v", "ffv1"),
    "huffyuv.avi": ("huffyuv", "-c:v", "huffyuv", "-pix_fmt", "yuv422p"),
    "utvideo.avi": ("utvideo", "-c:v", "utvideo", "-pix_fmt", "yuv420p"),
    "prores.mov": ("prores 4444", "-c:v", "prores_ks", "-pix_fmt", "yuv444p10le"),
    "dnxhr.mov": ("dnxhr", "-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"),
    "raw.y4m": ("rawvideo", "-pix_fmt", "yuv420p"),
    "crf0.mp4": ("h264 without loss", "-c:v", "libx264", "-crf", "0", "-pix_fmt", "yuv420p"),
    "qp0.ts": ("h264 without loss", "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p"),
    "hevc.mkv": ("hevc without loss", "-c:v", "libx265", "-x265-params", "lossless=1:log-level=none"),
}
LOST = {
    "prores.mov": ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"),
    "crf1.mkv": ("-c:v", "libx264", "-crf", "1", "-pix_fmt", "yuv420p"),
    "qp10.ts": ("-c:v", "libx264", "-qp", "10", "-pix_fmt", "yuv420p"),
    "high444.mp4": ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv444p"),
    "hevc.mp4": ("-c:v", "libx265", "-crf", "20", "-x265-params", "log-level=none"),
    "mpeg2.mpg": ("-c:v", "mpeg2video"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_codec_that_kept_the_picture_is_named(tmp_path: Path, name: str) -> None:
    expected, *options = KEPT[name]
    ffmpeg(*pattern(3, "256x144"), *options, tmp_path / name)
    assert lossless_codec(open_source(tmp_path / name)) == expected


@pytest.mark.parametrize("name", LOST)
def test_others_are_not(tmp_path: Path, name: str) -> None:
    ffmpeg(*pattern(3, "256x144"), *LOST[name], tmp_path / name)
    assert lossless_codec(open_source(tmp_path / name)) is None
