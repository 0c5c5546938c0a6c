"""A film that is encoded in segments."""

from pathlib import Path

import pytest

from tests.media import H264, ffmpeg, tone


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 frames at 29.97 with two sounds and a chapter, whose sound starts late."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "c.txt").write_text(
        ";FFMETADATA1\ntitle=Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n"
    )
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30000/1001:d=1.66"),
        *("-itsoffset", "0.2", *tone(1.4), "-i", folder / "c.txt", "-map_metadata", "2"),
        *("-map", "0", "-map", "1", "-map", "1", *H264, "-g", "20", "-c:a:0", "aac", "-c:a:1", "flac"),
        folder / "film.mp4",
    )
    return folder / "film.mp4"
