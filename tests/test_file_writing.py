import os
import threading
from pathlib import Path

import pytest

from vs_espcn.errors import InputError
from vs_espcn.file_writing import replace_file, write


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    path.symlink_to(victim)
    replace_file(path, b"mine")
    assert (victim.read_text(), path.read_text()) == ("precious", "mine")
    assert not path.is_symlink()


def test_a_failure_leaves_the_previous_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"first")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"second")
    with pytest.raises(InputError, match=r"file cannot be written \(No space left on device\)"):
        write(path, b"third")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x" * 255, "日" * 85])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    replace_file(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    replace_file(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_a_user_names_may_be_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        write(link, content)
        assert (link.is_symlink(), target.read_bytes()) == (True, content)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_that_a_user_names_is_written_into(tmp_path: Path) -> None:
    fifo, heard = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: heard.append(fifo.read_bytes()), daemon=True)
    reader.start()
    write(fifo, b"content")
    reader.join(60)
    assert heard == [b"content"]
    assert fifo.is_fifo()
