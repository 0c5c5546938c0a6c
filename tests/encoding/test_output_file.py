import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
        "from vs_espcn.encoding.output_file import part_of\n"
        f"with part_of(pathlib.Path({str(output)!r})) as part:\n"
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
        assert list(tmp_path.iterdir()) == [part]
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
        "from vs_espcn.encoding.output_file import part_of\n"
        "from vs_espcn.errors import InputError\n"
        f"time.sleep(max(0, {start} - time.time()))\n"
        "try:\n"
        f"    with part_of(pathlib.Path({str(output)!r})):\n"
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
        with pytest.raises(EncodeError, match="appeared while it was being encoded") as caught:
            publish(part, output, overwrite=False)
    assert output.read_text() == "someone else's"
    assert Path(str(caught.value).rsplit("'", 2)[1]).read_text() == "mine"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    with partial_file(tmp_path / "out.mkv") as part:
        assert part.stat().st_mode == other.stat().st_mode
