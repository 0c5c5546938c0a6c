import os
from pathlib import Path

import pytest

from vs_espcn.cache_folder import UntrustedFileError, open_cached


def test_a_file_of_ours_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\r\nb")
    with open_cached(tmp_path / "file") as file:
        assert file.read() == b"a\r\nb"
    with pytest.raises(FileNotFoundError):
        open_cached(tmp_path / "none")


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "fifo"])
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "path"
    (tmp_path / "target").touch()
    match kind:
        case "link":
            path.symlink_to(tmp_path / "target")
        case "dangling link":
            path.symlink_to(tmp_path / "nowhere")
        case "folder":
            path.mkdir()
        case "fifo":
            pytest.importorskip("fcntl", reason="needs FIFOs")
            os.mkfifo(path)
    with pytest.raises(UntrustedFileError, match="a link or no regular file"):
        open_cached(path)


def test_a_file_of_another_user_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pwd", reason="Windows has no uids")
    (tmp_path / "file").touch()
    other = (tmp_path / "file").stat().st_uid + 1
    if os.geteuid() == 0:
        os.chown(tmp_path / "file", other, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(UntrustedFileError, match="belongs to another user"):
        open_cached(tmp_path / "file")


def test_a_file_that_every_user_can_write_is_not_opened(tmp_path: Path) -> None:
    pytest.importorskip("pwd", reason="Windows has no such mode")
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o664)
    open_cached(path).close()
    path.chmod(0o666)
    with pytest.raises(UntrustedFileError, match="can be written by every user"):
        open_cached(path)


def test_files_of_root_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose cache was filled when it was built."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root, to make a file of root's")
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    open_cached(tmp_path / "file").close()
