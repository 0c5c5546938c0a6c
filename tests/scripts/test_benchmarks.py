"""The benchmarks of scripts/dev, which add to the figures of `vs-espcn bench`."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from tests.media import video
from tests.programs import SCRIPTS, Environment, run
from vs_espcn.bench.cpu import FILTER, RAW

Script = Callable[[str], ModuleType]


def row(name: str, network: str, precision: str, fps: float, scale: int = 4) -> dict[str, Any]:
    found = {"name": name, "network": network, "precision": precision, "fps": fps}
    return {**found, "scale": scale, "size": "1920x1080"}


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "figures.json"
    rows = [
        row(RAW, "espcn", "fp32", 30),
        row(FILTER, "espcn", "fp32", 20),
        row(FILTER, "espcn", "int8", 40),
        row(FILTER, "subpixel-s", "fp32", 60),
        row(FILTER, "subpixel-s", "int8", 50),
        row("zimg bicubic, whole clip", "", "", 300),
    ]
    path.write_text(json.dumps({"machine": "one core", "results": rows, "starts": [{"scale": 9}]}))
    return path


def bench(name: str, *arguments: str | Path, env: Environment) -> None:
    run(sys.executable, SCRIPTS / "dev" / f"bench_{name}.py", *arguments, env=env)


def test_rows_are_added_and_the_rest_stays(figures: Path, script: Script) -> None:
    measured = script("bench_start").Start(scale=4, import_seconds=0.5, first_frame_seconds=2.0)
    before = json.loads(figures.read_text())
    script("bench_figures").add(figures, "starts", [measured])
    rows = [{"scale": 4, "import_seconds": 0.5, "first_frame_seconds": 2.0}]
    assert json.loads(figures.read_text()) == before | {"starts": rows}


def test_growth_runs_the_fastest(figures: Path, script: Script) -> None:
    module = script("bench_figures")
    (settings,) = module.fastest(module.read(figures))
    assert (settings.network, settings.scale, settings.precision) == ("subpixel-s", 4, "fp32")


def test_growth_by_size(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    growth = script("bench_growth")
    monkeypatch.setattr(growth, "SIZES", ((96, 64), (192, 128)))
    settings = growth.FilterSettings(network="espcn", scale=2, precision="fp32")
    assert [point.size for point in growth.by_size(settings, frames=1, repeats=1)] == ["96x64", "192x128"]


def test_growth_by_cores_leaves_this_process_all_of_them(script: Script) -> None:
    growth = script("bench_growth")
    before = os.sched_getaffinity(0)
    settings = growth.FilterSettings(network="subpixel-s", scale=4, precision="fp32")
    points = list(growth.by_cores(settings, frames=1, repeats=1))
    assert os.sched_getaffinity(0) == before
    assert points[0].cores == 1
    assert points[0].network == "subpixel-s"
    assert points[-1].cores == len(before)


def test_encodes_are_of_the_first_network_and_of_the_others_fastest(figures: Path, script: Script) -> None:
    chosen = script("bench_encode").to_encode(script("bench_figures").read(figures))
    assert [(each.network, each.precision) for each in chosen] == [
        ("espcn", "fp32"),
        ("espcn", "int8"),
        ("subpixel-s", "fp32"),
    ]


def test_an_encode_counts_its_frames(tmp_path: Path, script: Script) -> None:
    video(tmp_path / "film.mkv", frames=3)
    settings = script("bench_figures").FilterSettings(network="espcn", scale=2, precision="fp32")
    frames, seconds = script("bench_encode").encode(tmp_path / "film.mkv", settings)
    assert frames == 3
    assert seconds > 0


def test_a_share_is_of_the_networks_operations(script: Script) -> None:
    """x4 of ESPCN takes 25·64 + 9·64·32 + 9·32·16 multiply-adds for each of 480×270 samples."""
    share = script("bench_shares").share_of(row(RAW, "espcn", "fp32", 10), 1e12)
    operations = 2 * (25 * 64 + 9 * 64 * 32 + 9 * 32 * 16) * 480 * 270 * 10
    assert share.share == pytest.approx(operations / 1e12)


def test_the_chart_has_a_panel_for_each_scale(
    figures: Path, tmp_path: Path, script: Script, environment: Environment
) -> None:
    bench("chart", figures, tmp_path / "chart.png", env=environment)
    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.format == "PNG"
    rows = [row(FILTER, "espcn", "fp32", 20, scale) for scale in (2, 3)]
    assert len(script("bench_chart").draw(rows).axes) == 2


def test_memory_is_printed_early_and_late(environment: Environment) -> None:
    command = (sys.executable, SCRIPTS / "dev" / "bench_memory.py", "--scale", "4", "--frames", "3")
    lines = run(*command, env=environment).stdout.decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["frame 1", "frame 3"]


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
@pytest.mark.parametrize("options", [(), ("--control",)], ids=["ours", "control"])
def test_memory_of_a_pipe_is_printed_on_the_way(options: tuple[str, ...], environment: Environment) -> None:
    script = SCRIPTS / "dev" / "bench_pipe_memory.py"
    command = (sys.executable, script, "--frames", "20", "--every", "10", *options)
    lines = run(*command, env=environment).stdout.decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["frame 10", "frame 20"]
