"""scripts/dev/recipes.py: what it says of two files."""

import importlib
import shutil
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from tests.media import ffmpeg, video, with_sound
from tests.programs import SCRIPTS

pytestmark = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("recipes")


def test_a_copy_is_the_same(recipes: ModuleType, tmp_path: Path) -> None:
    source, copy = with_sound(tmp_path / "in.mkv", frames=5), tmp_path / "copy.mkv"
    ffmpeg("-i", source, "-c", "copy", copy)
    frames, shift, sound, colours, streams = recipes.compare(recipes.read(source), recipes.read(copy))
    assert (frames, colours) == ("5 → 5", "the same")
    assert float(shift) <= 1
    assert sound.endswith(", the same")
    assert streams == "h264 64x48, aac → h264 64x48, aac"


def test_what_differs_is_said(recipes: ModuleType, tmp_path: Path) -> None:
    source = video(tmp_path / "in.mkv", "-colorspace", "bt709", frames=5)
    other = tmp_path / "other.mkv"
    gap = "setpts=N/25/TB+gte(N\\,3)*0.12/TB"
    ffmpeg("-i", source, "-vf", f"setparams=colorspace=bt2020nc,{gap}", "-fps_mode", "vfr", other)
    frames, shift, sound, colours, _ = recipes.compare(recipes.read(source), recipes.read(other))
    assert (frames, sound) == ("5 → 5", "none")
    assert float(shift) == pytest.approx(
        80, abs=2
    )  # of the frame at 160 ms; the nearest ones are at 80 and 240
    assert colours == "color_space: bt709 → bt2020nc"


def test_the_beginning_of_a_clip_has_no_gap(recipes: ModuleType, tmp_path: Path) -> None:
    clip = with_sound(tmp_path / "in.mp4", "-bf", "3", "-b_strategy", "0", "-preset", "medium", frames=40)
    beginning = tmp_path / "beginning.mp4"
    recipes.cut(clip, beginning, 0.5)
    times = recipes.read(beginning).times
    assert 1 < len(times) <= 13
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.05
