"""The commands that only report; the others have tests of their own."""

import json

import pytest

import vs_espcn
from tests.command import in_own_process as run

COMMANDS = ("upscale", "info", "bench", "evaluate", "train")


def test_version() -> None:
    assert run("--version").stdout == f"vs-espcn {vs_espcn.__version__}\n"


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    assert "Usage:" in run(command, "--help").stdout


def test_info_says_what_runs_here() -> None:
    text = run("info").stdout
    for word in ("vapoursynth ", "openvino ", "instruction sets", "espcn x2 x3 x4", "openvino (picked): CPU"):
        assert word in text


def test_bench_prints_a_table_and_json() -> None:
    few = ("--scale", "4", "--frames", "1", "--repeats", "1", "--precision", "fp32", "--no-peers")
    *table, last = run("bench", *few).stdout.splitlines()
    figures = json.loads(last)
    results = {row["name"]: row for row in figures["results"]}
    assert "OpenVINO alone" in "\n".join(table)
    assert results["OpenVINO alone"]["of_raw"] == 1
    assert results["vs_espcn.upscale, whole clip"]["fps"] > 0
    assert results["vs_espcn.upscale, whole clip"]["size"] == "1920x1080"
    assert figures["date"]
    assert "core" in figures["machine"]


def test_bench_of_memory() -> None:
    (row,) = json.loads(run("bench", "--scale", "4", "--soak", "3").stdout.splitlines()[-1])["memory"]
    assert row["last_mb"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bench", "--scale", "9"), "scale 9 has no espcn network; choose one of 2, 3, 4"),
        (
            ("bench", "--precision", "fp8"),
            "precision 'fp8' is not known; choose one of auto, fp32, bf16, int8, fast",
        ),
        (
            ("bench", "--soak", "1", "--precision", "bf16", "--precision", "fp32"),
            "precision was given 2 times; give it once",
        ),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, code=1)
    assert done.stdout == ""
    assert done.stderr == f"vs-espcn: error: {message}\n"
