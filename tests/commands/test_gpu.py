"""The commands for TensorRT, as far as they go without a GPU."""

import re

import pytest

from tests.command import in_own_process as run


def test_plans_for_other_gpus_are_built_listed_and_cleared() -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    build = ("build", "--size", "96x54", "--compute-capability", "8.9", "--flavour", "tensorrt_rtx")
    first = run(*build)
    assert len(first.stdout.splitlines()) == 2
    assert first.stderr.count("building a plan for 96x54 to 192x108, 8-bit") == 2
    assert all("fp16, on GPUs of compute capability 8.9" in line for line in first.stdout.splitlines())

    again = run(*build)
    assert again.stdout == first.stdout
    assert "building a plan" not in again.stderr

    assert sorted(run("cache", "list").stdout.splitlines()) == sorted(first.stdout.splitlines())
    assert re.match(r"deleted 2 plans from .*plans", run("cache", "clear").stdout)
    assert run("cache", "list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "--size", "big"), "size 'big' is not understood; give it like 960x540"),
        (("build",), "0 sizes are given; give either --size or --max-size, like 960x540"),
        (("build", "--size", "96x54", "--max-size", "96x54"), "2 sizes are given; give either --size or"),
        (("build", "--size", "0x54"), "size is 0x54; give a width and a height of at least 1"),
        (("build", "--max-size", "0x54"), "max_size is (0, 54); give a width and a height"),
        (("build", "--size", "96x54", "--bits", "7"), "bits is 7; choose one of 8, 9, 10"),
        (("build", "--size", "96x54", "--scale", "7"), "scale 7 has no espcn network"),
        (
            ("build", "--size", "96x54", "--flavour", "lean"),
            "flavour 'lean' is not known; choose one of auto",
        ),
        (("bench", "--backend", "abacus"), "backend 'abacus' is not known; choose one of tensorrt, torch,"),
        (("bench", "--backend", "torch", "--precision", "bf16"), "precision 'bf16' is not known; choose one"),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed")
    done = run(*arguments, code=1)
    assert done.stdout == ""
    assert done.stderr.startswith(f"vs-espcn: error: {message}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "--size", "96x54"),
        ("bench", "--backend", "tensorrt"),
        ("bench", "--backend", "torch"),
    ],
)
def test_without_a_driver(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, code=1)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("vs-espcn: error: ")
    assert "no NVIDIA driver was found" in line


@pytest.mark.usefixtures("no_driver")
def test_info_says_why_gpus_are_out() -> None:
    text = run("info").stdout
    assert "tensorrt (out): no NVIDIA driver was found" in text
    assert "torch (out): no NVIDIA driver was found" in text
    assert "openvino (picked): " in text
