"""The scripts that draw pictures for docs/."""

import sys
from pathlib import Path

from PIL import Image

from tests.media import video
from tests.programs import SCRIPTS, Environment, run


def test_before_after_draws_its_picture(tmp_path: Path, environment: Environment) -> None:
    film, output = video(tmp_path / "film.mkv", frames=5, size="130x98"), tmp_path / "picture.png"
    options = ("--frame", "2", "--area", "10", "6", "90", "60")
    run(sys.executable, SCRIPTS / "dev" / "before_after.py", film, output, *options, env=environment)
    with Image.open(output) as picture:
        assert picture.size == (3 * (90 + 6) + 6, 60 + 24 + 2 * 6)
