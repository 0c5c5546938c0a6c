import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.command import in_this_process
from tests.media import ffmpeg, pattern, video
from vs_espcn.encoding.comparison import networks_of


def test_a_frame_of_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "film.mkv", frames=5)
    done = in_this_process("compare", "film.mkv", "--frame", "3", "--scale", "4", "--crop", "20x10+4+8")
    assert done.stdout == "film_3_x4.png: frame 3, x4\n"
    assert {path.name for path in tmp_path.iterdir()} == {"film.mkv", "film_3_x4.png"}
    with Image.open(tmp_path / "film_3_x4.png") as picture:
        columns = 2 if len(networks_of(4)) < 4 else 3
        assert picture.width == columns * (20 * 4 * 8 + 6) + 6


def test_an_image(tmp_path: Path) -> None:
    ffmpeg(*pattern(1), "-frames:v", 1, tmp_path / "image.png")
    in_this_process("compare", tmp_path / "image.png", "--out", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.mode == "RGB"
    done = in_this_process("compare", tmp_path / "image.png", "--out", tmp_path / "out.png", code=1)
    assert "exists; give another name, or --overwrite" in done.stderr
    in_this_process("compare", tmp_path / "image.png", "--out", tmp_path / "out.png", "--overwrite")


def test_chosen_networks_beside_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "film.mkv", frames=5)
    chosen = ("--network", "bicubic", "--network", "espcn", "--frame", "1", "--frame", "4")
    in_this_process("compare", "film.mkv", "--html", "--original", *chosen)
    assert {path.name for path in tmp_path.iterdir()} == {"film.mkv", "film_1_x2.html"}
    page = (tmp_path / "film_1_x2.html").read_text(encoding="utf-8")
    data = re.search(r'id="comparison">(.*?)</script>', page, re.DOTALL)
    assert data
    frames = json.loads(data[1])["frames"]
    assert [frame["label"] for frame in frames] == ["frame 1", "frame 4"]
    for frame in frames:
        assert [each["name"] for each in frame["pictures"]] == ["original", "bicubic", "espcn"]
        assert (frame["width"], frame["height"]) == (64, 48)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("film.mkv", "--frame", "5"), "frame 5 is not in the video; it has frames 0 to 4"),
        (("film.mkv", "--frame", "-1"), "frame -1 is not in the video"),
        (("film.mkv", "--scale", "7"), "scale 7 has no network; choose one of 2, 3, 4"),
        (("film.mkv", "--crop", "99x1"), "crop '99x1' reaches beyond the picture, which is 64x48"),
        (("film.mkv", "--out", "out.jpg"), "'out.jpg' is a comparison; give it the suffix .png or .html"),
        (("film.mkv", "--html", "--out", "out.png"), "'out.png' is a comparison; give it the suffix .html"),
        (("film.mkv", "--network", "nothing"), "network 'nothing' is not shipped; choose one of"),
        (
            ("film.mkv", "--original", "--crop", "33x1"),
            "'33x1' reaches beyond the picture, which is 32x24",
        ),
        (("absent.mkv",), "INPUT 'absent.mkv' does not exist"),
        (("text.txt",), "cannot be opened as a video"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "film.mkv", frames=5)
    (tmp_path / "text.txt").write_text("no video\n")
    done = in_this_process("compare", *arguments, code=1)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("vs-espcn: error: ")
    assert message in line
    assert {path.name for path in tmp_path.iterdir()} == {"film.mkv", "text.txt"}
