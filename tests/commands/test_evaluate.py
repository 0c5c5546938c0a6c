"""`vs-espcn evaluate` from its arguments to its files; one run is a process of its own."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.evaluation.pictures import folder_of
from tests.media import video
from vs_espcn import cli
from vs_espcn.networks import registry


def run_here(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["vs-espcn", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_tables_rows_plot_and_picture_of_one_run(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set")
    (folder / "torn.png").write_bytes(b"torn")
    clip = video(tmp_path / "clip.mp4", "-crf", "4", frames=4, size="96x80")
    network = registry.find("espcn", 2).path
    options = (
        *("--video", clip, "--frames", 2, "--crf", 30, "--scale", 2),
        *("--method", "bicubic", "--method", "espcn", "--network", network, "--precision", "fp32"),
        *("--markdown", tmp_path / "out.md", "--csv", tmp_path / "out.csv", "--plot", tmp_path / "out.png"),
        *("--picture", folder / "0.png", "--crop", "24x20+4+4", "--picture-out", tmp_path / "parts.png"),
    )
    command = [sys.executable, "-m", "vs_espcn", "evaluate", folder, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "out.md").read_text()
    assert "| method | set x2 |\n" in done.stdout
    assert f"| clip | low resolution | bicubic | espcn | {network} |\n" in done.stdout
    assert "| clip.mp4 | crf 30 | " in done.stdout
    shipped, as_file = (row.split("|")[2] for row in done.stdout.splitlines()[5:7])
    assert shipped == as_file, "one network, by its name and by its path"

    skipped, counted = done.stderr.splitlines()
    assert skipped.startswith(f"vs-espcn: skipped: {folder / 'torn.png'} cannot be decoded")
    assert counted == f"vs-espcn: {folder}: 1 of 3 images skipped"

    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 2 * 3 + 2 * 2 * 3
    assert {row["group"] for row in rows} == {"set", "clip.mp4"}
    for name in ("out.png", "parts.png"):
        with Image.open(tmp_path / name) as image:
            image.load()


def test_a_picture_alone_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = folder_of(tmp_path / "set", count=1) / "0.png"
    picture = ("--picture", image, "--picture-out", tmp_path / "out.png")
    assert run_here(monkeypatch, *picture, "--scale", 2, "--method", "nearest") == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to measure; give folders of images, --video CLIP or --picture IMAGE"),
        (
            ("--picture", "a.png"),
            "--picture and --picture-out belong together: an image, and",
        ),
        (("--crop", "3x4+1+2", "."), "--crop cuts parts out of --picture; give that too"),
        (("--plot", "a.png", "."), "--plot shows clips over time; give --video CLIP too"),
        (("absent",), "absent is not a folder; give folders of images"),
        (("--video", "absent.mp4"), "absent.mp4' does not exist"),
        ((".", "--csv", "absent/out.csv"), "absent/out.csv cannot be written; give a file in a folder that"),
        ((".", "--method", "magic"), "method 'magic' is not known; choose one of nearest, "),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_here(monkeypatch, *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("vs-espcn: error: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_torch_is_loaded_for_checkpoints_only() -> None:
    code = "import json, sys, vs_espcn.evaluation.evaluation; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "matplotlib"} & set(json.loads(done.stdout))
