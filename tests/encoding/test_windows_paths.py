"""Windows' paths, as far as Linux can stand for them: drives and shares are files, and no address."""

import ast
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from tests.command import in_own_process
from tests.media import decode, with_sound
from tests.programs import ROOT
from vs_espcn.encoding.ffmpeg import Ffmpeg, probe
from vs_espcn.encoding.source import check_input
from vs_espcn.errors import InputError

PATHS = (r"C:\clips\a b.mkv", "c:/x.mkv", r"\\server\share\x.mkv", r"\\?\D:\50% & more.mkv", "e:relative.mkv")


@pytest.mark.parametrize("path", PATHS)
def test_a_drive_is_no_address(path: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check_input(Path(path))


@pytest.mark.parametrize("path", ["http://a/b.mkv", "rtsp://a/b", "srt:/a", r"smb:\\server\x.mkv"])
def test_a_protocol_is_an_address(path: str) -> None:
    with pytest.raises(InputError, match="is an address"):
        check_input(Path(path))


@pytest.mark.parametrize("path", PATHS)
def test_ffmpeg_gets_the_path_unchanged_and_as_a_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ffmpeg takes ``C:`` for a protocol where nothing says that it is a file's."""
    given: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        given.extend(command)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    windows: Any = PureWindowsPath(path)
    probe(Ffmpeg(path="ffmpeg.exe", version=(9,)), windows, 0)
    assert given[given.index("-i") + 1] == f"file:{windows}"


def inputs() -> Iterator[tuple[str, ast.expr]]:
    """Where the package names an input of ffmpeg's, and the expression that does."""
    for path in sorted((ROOT / "vs_espcn").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
            for option, value in pairwise(words):
                if isinstance(option, ast.Constant) and option.value in {"-i", "-attach"}:
                    yield f"{path.name}:{option.lineno}", value


@pytest.mark.parametrize(("place", "value"), list(inputs()))
def test_every_input_of_ffmpeg_says_that_it_is_a_file_or_a_pipe(place: str, value: ast.expr) -> None:
    first = value.values[0] if isinstance(value, ast.JoinedStr) else value
    assert isinstance(first, ast.Constant), place
    assert str(first.value).startswith(("file:", "pipe:")) or first.value == "-", place


def test_the_inputs_are_found() -> None:
    assert len(list(inputs())) >= 14


@pytest.mark.skipif(ROOT.drive != "", reason="such names are paths there")
def test_files_whose_names_are_windows_paths_are_upscaled(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "film.mp4").rename(tmp_path / r"C:\clips\a b%d & c.mp4")
    output = tmp_path / r"\\server\share\50% & d.mkv"
    in_own_process("upscale", source, output, "--", "-preset", "ultrafast")
    clip = decode(output)
    assert (clip.width, clip.height, clip.num_frames) == (128, 96, 10)
    assert {path.name for path in tmp_path.iterdir()} == {source.name, output.name}
