"""The scripts that draw: pictures for docs/, and some to train on."""

import sys
from pathlib import Path

from PIL import Image

from tests.programs import SCRIPTS, Environment, run


def test_before_after_draws_its_picture(tmp_path: Path, environment: Environment) -> None:
    output = tmp_path / "picture.png"
    run(sys.executable, SCRIPTS / "dev" / "before_after.py", output, env=environment)
    with Image.open(output) as picture:
        assert picture.size == (968, 384)


def test_drawings_are_written_once(tmp_path: Path, environment: Environment) -> None:
    folder = tmp_path / "line_art"
    command = (
        sys.executable,
        SCRIPTS / "dev" / "draw_line_art.py",
        "--first",
        "3",
        "--out",
        folder,
        "--count",
    )
    run(*command, "1", env=environment)
    (first,) = folder.iterdir()
    written = first.stat().st_mtime_ns
    run(*command, "2", env=environment)
    assert sorted(path.name for path in folder.iterdir()) == ["drawing_00003.png", "drawing_00004.png"]
    assert first.stat().st_mtime_ns == written
    with Image.open(first) as picture:
        assert (picture.size, picture.mode) == ((640, 480), "L")


def test_no_drawings_at_all_are_refused(tmp_path: Path, environment: Environment) -> None:
    asked = ("--count", "0", "--out", str(tmp_path / "none"))
    done = run(sys.executable, SCRIPTS / "dev" / "draw_line_art.py", *asked, env=environment, code=2)
    assert b"--count must be 1 or more" in done.stderr
    assert not (tmp_path / "none").exists()
