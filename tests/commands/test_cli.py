"""The commands that only report; the others have tests of their own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vs_espcn
from tests.command import in_own_process
from tests.command import in_this_process as run
from tests.small_networks import conv, kernel, network, saved
from vs_espcn.networks import registry
from vs_espcn.networks.quality import quality_of

COMMANDS = ("upscale", "info", "networks", "compare", "bench", "evaluate", "train")


def test_version() -> None:
    for option in ("--version", "-V"):
        assert in_own_process(option).stdout == f"vs-espcn {vs_espcn.__version__}\n"


def test_help_names_every_command_and_upscale_first() -> None:
    text = run("--help").stdout
    assert all(command in text for command in COMMANDS)
    listed = text.partition("Commands")[2]
    assert min(COMMANDS, key=listed.index) == "upscale"


def test_without_arguments_there_is_help() -> None:
    assert run().stdout == run("--help").stdout


def test_help_of_upscale_has_panels_and_examples() -> None:
    text = run("upscale", "--help").stdout
    places = [
        text.index(f"─ {panel} ─")
        for panel in ("Size", "Network", "Encoder", "Part", "Many files", "Output", "Log")
    ]
    assert places == sorted(places)
    assert "vs-espcn upscale film.mp4 film.mkv" in text.partition("Examples:")[2]


def test_completion_knows_commands_and_networks() -> None:
    def complete(words: str) -> list[str]:
        asked = {
            "_VS_ESPCN_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
        code = "from vs_espcn.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.argv[0] = 'vs-espcn'; {code}"],
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.split()

    assert "upscale" in complete("vs-espcn ")
    assert complete("vs-espcn upscale --network subpixel-m-a") == ["subpixel-m-anime"]
    assert complete("vs-espcn upscale --preset pro") == ["prores"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    assert "Usage:" in run(command, "--help").stdout


def test_ctrl_c_while_the_command_loads_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "vs_espcn", "--version"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_backend_that_is_not_here_has_no_times() -> None:
    done = run("networks", "--scale", "2", "--backend", "torch", code=1)
    assert done.stdout == ""
    assert done.stderr.startswith("vs-espcn: error: ")


def test_info_says_what_runs_here() -> None:
    text = run("info").stdout
    for word in ("vapoursynth ", "openvino ", "instruction sets", "espcn x2 x3 x4", "openvino (picked): CPU"):
        assert word in text


def test_networks_are_listed_with_what_is_known_of_them() -> None:
    lines = run("networks", "--scale", "2", "--no-time", "--int8").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    by_name = {row[0]: row for row in cells}
    psnr = quality_of(registry.find("espcn", 2))
    assert psnr is not None
    assert by_name["espcn"][1] == f"{psnr.set5:.2f}"
    assert by_name["espcn"][7] == "", "nothing is measured"
    assert "bicubic" in by_name
    assert "espcn-int8" in by_name
    (default,) = (row for row in cells if "video (default)" in row[8])
    assert default[0].endswith("-video")


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


def test_bench_of_several_networks(tmp_path: Path) -> None:
    """The engine alone runs the first; one that does not reach the scale is named."""
    same = network([conv("luma", "kernel", "upscaled")], {"kernel": kernel(1, 1)}, 1)
    few = ("--scale", "4", "--frames", "1", "--repeats", "1", "--precision", "fp32", "--no-peers")
    names = ("--network", "subpixel-m", "--network", "espcn", "--network", str(saved(same, tmp_path)))
    lines = run("bench", *few, *names).stdout.splitlines()
    rows = json.loads(lines[-1])["results"]
    assert [(row["name"], row["network"]) for row in rows] == [
        ("OpenVINO alone", "subpixel-m"),
        ("vs_espcn.upscale, whole clip", "subpixel-m"),
        ("vs_espcn.upscale, whole clip", "espcn"),
    ]
    assert any("fp32: scale 4 is out of reach: theirs" in line for line in lines)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
@pytest.mark.parametrize("arguments", [("info",), ("networks", "--no-time"), ("--version",), ("--help",)])
def test_a_full_disk_behind_stdout_is_said_in_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vs_espcn", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "vs-espcn: error: stdout cannot be written: No space left on device\n"


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "--size", f"{DIGITS}x{DIGITS}"),
        ("build", "--size", "\N{ARABIC-INDIC DIGIT NINE}x9"),
        ("build", "--size", "960x540", "--compute-capability", f"{DIGITS}.0"),
    ],
)
def test_numbers_of_thousands_of_digits_are_refused_in_one_line(arguments: tuple[str, ...]) -> None:
    (line,) = run(*arguments, code=1).stderr.splitlines()
    assert "is not understood; give it like" in line
    assert len(line) < 200


NAMES = sorted({spec.network for spec in registry.shipped()})
AUTO = (
    "network 'auto' is chosen for each clip, but a network must be named here; "
    "`vs-espcn networks` lists them and says when auto takes which"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("networks", "--scale", "9", "--no-time"), "scale 9 has no network; choose one of 2, 3, 4"),
        (
            ("bench", "--network", "espcn", "--network", "srcnn", "--frames", "1"),
            "network 'srcnn' is not shipped; choose one of "
            + ", ".join(NAMES)
            + ", or give the path of an ONNX file",
        ),
        (("bench", "--network", "auto"), AUTO),
        (("build", "--network", "auto", "--size", "96x54", "--compute-capability", "8.9"), AUTO),
        (
            ("bench", "--json", "missing/figures.json"),
            "missing/figures.json cannot be written; give a file in a folder that exists",
        ),
        (
            ("bench", "--backend", "torch", "--network", "espcn"),
            "--network was given; it is for openvino and vulkan, leave it out",
        ),
        (("bench", "--scale", "9"), "scale 9 has no espcn network; choose one of 2, 3, 4"),
        (
            ("bench", "--precision", "fp8"),
            "precision 'fp8' is not known; choose one of auto, fp32, bf16, int8, fast",
        ),
        (
            ("bench", "--backend", "torch", "--precision", "fp16", "--precision", "fp32"),
            "precision was given 2 times; give it once",
        ),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, code=1)
    assert done.stdout == ""
    assert done.stderr == f"vs-espcn: error: {message}\n"
