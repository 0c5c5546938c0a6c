import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from vs_espcn.console import exit_in_order
from vs_espcn.encoding import output_file
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.errors import EncodeError, InputError


def test_a_second_run_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    with partial_file(output) as part:
        part.write_text("first")
        with pytest.raises(InputError, match="is being written by another run"), partial_file(output):
            pass
        assert part.read_text() == "first"
        publish(part, output, overwrite=False)
    with partial_file(output):
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_other_outputs_are_not_in_the_way(tmp_path: Path) -> None:
    names = ("a.mkv", "a.mp4", "b.mkv", "x" * 240 + "1.mkv", "x" * 240 + "2.mkv", "日" * 80 + ".mkv")
    parts = [partial_file(tmp_path / name) for name in names]
    assert len({part.__enter__() for part in parts}) == len(names)
    for part in parts:
        part.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    script = (
        "import sys, time, pathlib\n"
        "from vs_espcn.encoding.output_file import partial_file\n"
        f"with partial_file(pathlib.Path({str(output)!r})) as part:\n"
        "    part.write_text('half')\n"
        "    print(part, flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    left = Path(process.stdout.readline().strip())
    with pytest.raises(InputError, match="another run"), partial_file(output):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert left.read_text() == "half"
    orphan = left.open("a")  # its ffmpeg, which writes on for a moment
    with partial_file(output) as part:
        assert part == left
        orphan.write("more")
        orphan.close()
        assert part.read_text() == ""
        assert {path for path in tmp_path.iterdir() if path.suffix != ".lock"} == {part}
    assert list(tmp_path.iterdir()) == []


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    """Also where a dead run's file is in the way."""
    output = tmp_path / "out.mkv"
    with partial_file(output) as part:
        name = part
    name.write_text("left by a dead run")
    start = time.time() + 1.5
    script = (
        "import sys, time, pathlib\n"
        "from vs_espcn.encoding.output_file import partial_file\n"
        "from vs_espcn.errors import InputError\n"
        f"time.sleep(max(0, {start} - time.time()))\n"
        "try:\n"
        f"    with partial_file(pathlib.Path({str(output)!r})):\n"
        "        print('won', flush=True)\n"
        "        sys.stdin.read()\n"
        "except InputError:\n"
        "    print('refused', flush=True)\n"
    )
    command = [sys.executable, "-c", script]
    runs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [run.stdout.readline().strip() for run in runs if run.stdout]
    for run in runs:
        run.communicate()
    assert said.count("won") <= 1
    assert set(said) <= {"won", "refused"}
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    with partial_file(output) as part:
        part.write_text("mine")
        output.write_text("someone else's")
        with pytest.raises(EncodeError, match="appeared while it was being written") as caught:
            publish(part, output, overwrite=False)
    assert output.read_text() == "someone else's"
    assert Path(str(caught.value).rsplit("'", 2)[1]).read_text() == "mine"


def test_a_file_that_is_open_elsewhere_is_not_replaced_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    output = tmp_path / "out.mkv"
    output.write_text("old")
    monkeypatch.setattr(Path, "replace", refuse)
    with partial_file(output) as part:
        part.write_text("mine")
        with pytest.raises(EncodeError, match="cannot be replaced: it is open in another program") as caught:
            publish(part, output, overwrite=True)
    assert output.read_text() == "old"
    assert Path(str(caught.value).rsplit("'", 2)[1]).read_text() == "mine"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    with partial_file(tmp_path / "out.mkv") as part:
        assert part.stat().st_mode == other.stat().st_mode


def test_a_link_at_the_hidden_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    output = tmp_path / "out" / "out.mkv"
    output.parent.mkdir()
    with partial_file(output) as part:
        name = part
    for target in (victim, tmp_path / "nowhere"):
        victim.write_text("precious")
        name.symlink_to(target)
        with partial_file(output) as part:
            assert not part.is_symlink()
            part.write_text("mine")
            publish(part, output, overwrite=True)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("kind", ["part", "lock"])
def test_a_fifo_at_a_hidden_name_does_not_hang(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="needs FIFOs")
    output = tmp_path / "out.mkv"
    with partial_file(output) as part:
        [lock] = tmp_path.glob(".out.*.lock")
    os.mkfifo(part if kind == "part" else lock)
    with suppress(InputError), partial_file(output) as part:
        assert part.is_file()
    assert not list(tmp_path.glob(".*.part.mkv"))


@pytest.mark.parametrize("kind", ["victim", "nowhere", "folder"])
def test_what_lies_at_the_name_of_the_lock_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    output = tmp_path / "out.mkv"
    with partial_file(output):
        [lock] = tmp_path.glob(".out.*.lock")
    if kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(tmp_path / kind)
    words = r"cannot be locked: .*\.lock' is a link, or of another user's run .*; remove it if no run"
    with pytest.raises(InputError, match=words), partial_file(output):
        pass
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert not list(tmp_path.glob(".*.part.mkv"))


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_without_hard_links_the_file_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT and some network folders; a name that is taken is not replaced there, either."""
    monkeypatch.setattr(os, "link", no_links)
    output = tmp_path / "out.mkv"
    for text in ("first", "second"):
        with partial_file(output) as part:
            part.write_text(text)
            if text == "first":
                publish(part, output, overwrite=False)
            else:
                with pytest.raises(EncodeError, match="appeared while it was being written"):
                    publish(part, output, overwrite=False)
    assert output.read_text() == "first"
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["first", "second"]


STEPS = [
    (os, "open"),
    (os, "close"),
    (os, "fsync"),
    (os, "link"),
    (Path, "rename"),
    (Path, "replace"),
    (Path, "unlink"),
    (output_file.FileLock, "acquire"),
    (output_file.FileLock, "release"),
]


@pytest.mark.parametrize("how", ["new", "new without links", "overwrite"])
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_signal_at_any_step_leaves_what_was_there_or_the_whole_file(
    owner: Any,
    name: str,
    is_done: bool,
    number: int,
    how: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "out.mkv"
    before = None if how.startswith("new") else "old"
    if before:
        output.write_text(before)
    if how == "new without links":
        monkeypatch.setattr(os, "link", no_links)
    done: list[str] = []
    with suppress(SystemExit), exit_in_order(), monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted(getattr(owner, name), number, is_done))
        with partial_file(output) as part:
            part.write_text("whole")
            publish(part, output, overwrite=how == "overwrite")
            done.append("published")
    found = output.read_text() if output.exists() else None
    assert found in ({"whole"} if done else {before, "whole"})
    assert {path.suffix for path in tmp_path.iterdir()} <= {".mkv", ".lock"}
    assert not list(tmp_path.glob(".*.part.mkv"))
    with partial_file(output):
        pass
    assert [path.name for path in tmp_path.iterdir()] == (["out.mkv"] if found else [])


def interrupted(real: Callable[..., Any], number: int, is_done: bool) -> Callable[..., Any]:
    """A function before or after whose call of a number SIGTERM comes."""
    calls: list[None] = []

    def step(*args: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) != number + 1:
            return real(*args, **options)
        if not is_done:
            signal.raise_signal(signal.SIGTERM)
        result = real(*args, **options)
        signal.raise_signal(signal.SIGTERM)
        return result

    return step


KILLED_AT_ANY_STEP = """
import os, sys, pathlib, signal
from vs_espcn.encoding.output_file import FileLock, partial_file, publish

folder = pathlib.Path(sys.argv[1])
for overwrite in (False, True):
    for call in range(40):
        output = folder / f"{overwrite}.{call}" / "out.mkv"
        output.parent.mkdir()
        if overwrite:
            output.write_text("old")
        child = os.fork()
        if not child:
            count = 0
            def hook(event, _arguments):
                global count
                if event.startswith(("os.", "open", "fcntl.")):
                    count += 1
                    if count > call:
                        os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(hook)
            with partial_file(output) as part:
                with part.open("wb") as file:
                    file.write(b"whole")
                publish(part, output, overwrite=overwrite)
            os._exit(0)
        os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_step_leaves_what_was_there_or_the_whole_file(tmp_path: Path) -> None:
    """Before every call into the system; the next run takes over what is left."""
    subprocess.run([sys.executable, "-c", KILLED_AT_ANY_STEP, tmp_path], check=True, timeout=300)
    found = set()
    for folder in tmp_path.iterdir():
        output, is_old = folder / "out.mkv", folder.name.startswith("True")
        content = output.read_text() if output.exists() else None
        assert content in ({"old", "whole"} if is_old else {None, "whole"})
        found.add((is_old, content))
        with partial_file(output):
            pass
        assert list(folder.iterdir()) == ([output] if content else [])
    assert found == {(True, "old"), (True, "whole"), (False, None), (False, "whole")}
