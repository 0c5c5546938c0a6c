"""Planted links, a user's own files and signals: what an encode in segments must survive and leave alone."""

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.encode_support import in_segments, planned
from tests.encoding.test_segments import FFV1, KilledError
from tests.media import FFMPEG, decode
from vs_espcn.console import exit_in_order
from vs_espcn.encoding.segment_folder import segments_folder
from vs_espcn.encoding.segments import encode_in_segments
from vs_espcn.errors import InputError


def test_a_folder_that_is_a_link_is_refused_before_the_encode(film: Path, tmp_path: Path) -> None:
    elsewhere, output = tmp_path / "elsewhere", tmp_path / "out.mkv"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    segments_folder(output).symlink_to(elsewhere)
    frames: list[int] = []
    with pytest.raises(InputError, match="is a link; remove it, or give OUTPUT another name"):
        encode_in_segments(planned(film, output, *FFV1), settings={}, on_frame=frames.append)
    assert frames == []
    assert [path.name for path in elsewhere.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["segments.json", "segments.ffconcat", "00000000-00000020.segment"])
def test_a_link_in_the_folder_is_neither_written_through_nor_read(
    film: Path, tmp_path: Path, name: str
) -> None:
    victim, output = tmp_path / "victim", tmp_path / "out.mkv"
    victim.write_text("precious")
    segments_folder(output).mkdir()
    (segments_folder(output) / name).symlink_to(victim)
    with pytest.raises(InputError, match=f"{name}' is a link or no regular file; remove it"):
        in_segments(planned(film, output, *FFV1))
    assert victim.read_text() == "precious"
    assert not output.exists()


def test_a_list_planted_during_the_encode_is_replaced(film: Path, tmp_path: Path) -> None:
    victim, output = tmp_path / "victim", tmp_path / "out.mkv"
    victim.write_text("precious")

    def plant(number: int) -> None:
        if number == 30:
            (segments_folder(output) / "segments.ffconcat").symlink_to(victim)

    encode_in_segments(planned(film, output, *FFV1), settings={}, length=20, on_frame=plant)
    assert victim.read_text() == "precious"
    assert decode(output).num_frames == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mkv", "victim"]


@pytest.mark.parametrize("fails", [False, True])
def test_files_of_the_user_in_the_folder_stay(film: Path, tmp_path: Path, fails: bool) -> None:
    output = tmp_path / "out.mkv"
    folder = segments_folder(output)

    def add(number: int) -> None:
        if number == 10:
            (folder / "notes.txt").write_text("mine")
            (folder / "more").mkdir()
            if fails:
                raise KilledError

    with pytest.raises(KilledError) if fails else nullcontext():
        encode_in_segments(planned(film, output, *FFV1), settings={}, length=20, on_frame=add)
    assert output.exists() != fails
    assert sorted(path.name for path in folder.iterdir()) == ["more", "notes.txt"]
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_relative_ffmpeg_is_the_same_one_for_the_join(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ffmpeg joins in the segments' folder; a program planted there under the same name is not run."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ff").symlink_to(FFMPEG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "bin/ff")
    output = tmp_path / "out.mkv"

    def plant(number: int) -> None:
        if number == 30:
            planted = segments_folder(output) / "bin" / "ff"
            planted.parent.mkdir()
            planted.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
            planted.chmod(0o755)

    encode_in_segments(planned(film, output, *FFV1), settings={}, length=20, on_frame=plant)
    assert decode(output).num_frames == 50
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_right_after_the_output_has_its_name_deletes_nothing(
    film: Path, tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.mkv"
    real = os.link

    def link(*args: Any, **options: Any) -> None:
        real(*args, **options)
        signal.raise_signal(number)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(SystemExit), exit_in_order():
        in_segments(planned(film, output, *FFV1), length=50)
    assert decode(output).num_frames == 50
