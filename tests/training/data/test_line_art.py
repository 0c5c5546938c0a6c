import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vs_espcn.training.data.line_art import draw
from vs_espcn.training.data.pen import Canvas
from vs_espcn.training.data.textures import blob, hatch, screentone


def test_the_same_number_gives_the_same_drawing() -> None:
    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_the_script_refuses_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    script = Path(__file__).parents[3] / "scripts" / "dev" / "draw_line_art.py"
    command = [sys.executable, script, "--count", "1", "--out", tmp_path / "file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no folder and cannot be made one: File exists" in done.stderr


@pytest.mark.parametrize("seed", range(100, 108))
def test_drawings_have_flat_areas_and_hard_edges(seed: int) -> None:
    drawing = draw(seed)
    assert drawing.shape == (480, 640)
    assert drawing.dtype == np.uint8
    steps = np.abs(np.diff(drawing.astype(int), axis=1))
    assert (steps <= 1).mean() > 0.4
    assert (steps > 20).mean() > 0.002


@pytest.mark.parametrize("texture", [hatch, screentone])
def test_textures_keep_to_their_shape(texture: Callable[..., None]) -> None:
    random = np.random.default_rng(0)
    canvas = Canvas(120, 120, 200)
    shape = blob(random, np.array([60.0, 60.0]), 30)
    texture(canvas, random, shape, 20)
    drawn = canvas.finished(0)
    assert 0.05 < (drawn[45:75, 45:75] < 110).mean() < 0.95
    assert (drawn[:10] == 200).all()
