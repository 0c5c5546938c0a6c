import json
import os
from pathlib import Path
from typing import Any

import pytest

from vs_espcn.encoding.segment_folder import (
    claim_folder,
    missing_segments,
    remove_folder,
    segment_path,
    segments_folder,
)
from vs_espcn.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return segments_folder(tmp_path / "out.mkv")


def claim(folder: Path, **settings: Any) -> None:
    claim_folder(folder, settings, owner=folder.parent.stat().st_uid)


def test_it_is_made_taken_up_and_removed(folder: Path) -> None:
    segments = [range(20), range(20, 31)]
    claim(folder, a=1)
    segment_path(folder, segments[0]).touch()
    claim(folder, a=1)
    assert missing_segments(folder, segments) == [range(20, 31)]
    remove_folder(folder)
    assert list(folder.parent.iterdir()) == []


def test_without_segments_other_settings_may_follow(folder: Path) -> None:
    claim(folder, a=1)
    claim(folder, a=2)
    segment_path(folder, range(5)).touch()
    with pytest.raises(InputError, match="made from another file or with other options"):
        claim(folder, a=1)
    claim(folder, a=2)


@pytest.mark.parametrize(
    "name", ["holiday.jpg", "segments.json", "segments.ffconcat", "00000000-00000020.segment", ".hidden"]
)
def test_a_folder_that_is_not_ours_is_refused(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / name).write_text(json.dumps({"plan": "for Sunday"}))
    with pytest.raises(InputError, match=f"not of an encode in segments, such as {name!r}; move"):
        claim(folder)
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b"null"])
def test_a_plan_that_is_garbage_is_not_ours(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "segments.json").write_bytes(content)
    with pytest.raises(InputError, match="not of an encode in segments"):
        claim(folder)
    assert (folder / "segments.json").read_bytes() == content


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_is_no_folder_is_refused(folder: Path, kind: str) -> None:
    elsewhere = folder.parent / "elsewhere"
    if kind == "file":
        folder.touch()
    else:
        folder.symlink_to(elsewhere)
        if kind == "link":
            elsewhere.mkdir()
    with pytest.raises(InputError, match=r"out.mkv.segments' is (a link|no folder); remove it"):
        claim(folder)
    assert elsewhere.exists() == (kind == "link")
    assert kind != "link" or list(elsewhere.iterdir()) == []


def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    pytest.importorskip("pwd", reason="Windows has no uids")
    folder.mkdir()
    owner = folder.stat().st_uid
    if os.geteuid() == 0:
        os.chown(folder, owner + 1, -1)
    else:
        owner += 1
    with pytest.raises(InputError, match=r"belongs to another user \(uid \d+\); give OUTPUT another name"):
        claim_folder(folder, {}, owner=owner)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["segments.json", "segments.ffconcat", "00000000-00000020.segment"])
def test_a_fifo_in_the_folder_does_not_hang(folder: Path, name: str) -> None:
    pytest.importorskip("fcntl", reason="needs FIFOs")
    claim(folder)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match="is a link or no regular file"):
        claim(folder)


def test_only_files_of_ours_are_removed(folder: Path) -> None:
    claim(folder)
    ours = [
        "00000000-00000020.segment",
        "segments.ffconcat",
        ".00000000-00000020.0a1b2c3d.lock",
        ".00000000-00000020.0a1b2c3d.part.segment",
        ".00000000-00000020.0a1b2c3d.part.mkv",
        ".segments.json.0a1b2c3d.tmp",
    ]
    users = ["a.segment", "segments.json.bak", ".hidden.part.mkv", "00000000-00000020.segment.mkv"]
    for name in ours + users:
        (folder / name).touch()
    (folder / "0-9.segment").mkdir()
    remove_folder(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*users, "0-9.segment"])
