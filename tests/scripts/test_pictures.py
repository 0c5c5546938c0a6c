"""The scripts that draw pictures for docs/."""

import sys
from pathlib import Path

from PIL import Image

from tests.programs import SCRIPTS, Environment, run


def test_before_after_draws_its_picture(tmp_path: Path, environment: Environment) -> None:
    output = tmp_path / "picture.png"
    run(sys.executable, SCRIPTS / "dev" / "before_after.py", output, env=environment)
    with Image.open(output) as picture:
        assert picture.size == (968, 384)
