import os
from pathlib import Path

import pytest

from tests.media import FFMPEG
from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.errors import EncodeError


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("chosen", ["bin/ffmpeg", "./bin/ffmpeg", "ffmpeg", None])
def test_the_path_is_absolute(tmp_path: Path, chosen: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a bare name, which is looked up on PATH, and of a relative folder on PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(FFMPEG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    if chosen:
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", chosen)
    else:
        monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    assert find_ffmpeg().path == str(tmp_path / "bin" / "ffmpeg")


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_batch_file_is_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows runs it by its shell, which reads % and & in the names of files."""
    (tmp_path / "ffmpeg.cmd").symlink_to(FFMPEG)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "ffmpeg.cmd"))
    with pytest.raises(EncodeError, match=r"a batch file, which garbles file names; give ffmpeg\.exe itself"):
        find_ffmpeg()
