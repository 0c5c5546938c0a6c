"""``vs-espcn export``: networks as files for other programs."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.command import in_own_process as run
from vs_espcn.networks import graph, registry
from vs_espcn.networks.user_shader import user_shader


def test_a_shader_is_that_of_the_network(tmp_path: Path) -> None:
    path = tmp_path / "mine.glsl"
    done = run("export", "subpixel-xs", "-o", path)
    network = registry.load_network(registry.find("subpixel-xs", 2).path)
    assert path.read_text() == user_shader(network, title="subpixel-xs x2")
    assert done.stdout == f"{path}: subpixel-xs x2, 21 KB\n"

    run("export", "subpixel-xs", "-o", path, "--overwrite", "--variant", "fragment", "--range", "full")
    expected = user_shader(network, title="subpixel-xs x2", variant="fragment", full_range=True)
    assert path.read_text() == expected


@pytest.mark.parametrize(
    ("options", "sample", "full_range"),
    [
        ((), graph.FLOAT32, False),
        (("--bits", "8"), graph.UINT8, False),
        (("--bits", "10", "--range", "full"), graph.UINT16[10], True),
        (("--bits", "8", "--size", "20x12"), graph.UINT8, False),
    ],
)
def test_a_graph_computes_what_the_filters_does(
    tmp_path: Path, options: tuple[str, ...], sample: graph.SampleFormat, full_range: bool
) -> None:
    path = tmp_path / "mine.onnx"
    run("export", "subpixel-s", "--scale", "3", "--format", "onnx", "-o", path, *options)

    onnx.checker.check_model(path, full_check=True)
    random = np.random.default_rng(0)
    values = (
        random.random((12, 20)) if sample.depth is None else random.integers(0, 2**sample.depth, (12, 20))
    )
    frame = values.astype(sample.dtype)[None, None]
    network = registry.load_network(registry.find("subpixel-s", 3).path)
    ours = graph.build_graph(network, sample, full_range=full_range, width=20, height=12)
    results = [
        onnxruntime.InferenceSession(content).run(None, {graph.FRAME_NAME: frame})[0]
        for content in (path.read_bytes(), ours.SerializeToString())
    ]
    assert results[0].shape == (1, 1, 36, 60)
    assert results[0].dtype == results[1].dtype == sample.dtype
    assert np.abs(results[0].astype(float) - results[1]).max() <= (0 if sample.depth else 1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("subpixel-xs", "--scale", "3"), "scale 3 has no subpixel-xs network; choose one of 2"),
        (("nothing",), "network 'nothing' is not shipped; choose one of"),
        (("subpixel-xs-int8",), "the network is an int8 form; give the network that it was made from"),
        (("subpixel-xs", "--bits", "8"), "--bits was given; it is not for --format glsl, leave it out"),
        (("subpixel-xs", "--size", "8x8"), "--size was given; it is not for --format glsl, leave it out"),
        (
            ("subpixel-xs", "--format", "onnx", "--variant", "fragment"),
            "--variant was given; it is not for --format onnx, leave it out",
        ),
        (("subpixel-xs", "--format", "onnx", "--bits", "7"), "bits is 7; choose one of 8, 9"),
        (
            ("subpixel-xs", "--format", "onnx", "--size", "0x8"),
            "size '0x8' is not understood; give it like 960x540",
        ),
        (
            ("subpixel-xs", "--format", "onnx", "--range", "full"),
            "--range was given; float samples have one range",
        ),
    ],
)
def test_errors_are_one_line_and_leave_no_file(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run("export", *arguments, "-o", tmp_path / "out", code=1)
    assert done.stdout == ""
    assert done.stderr.startswith(f"vs-espcn: error: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kept.glsl"
    path.write_text("mine")
    done = run("export", "subpixel-xs", "-o", path, code=1)
    assert done.stderr == f"vs-espcn: error: {path} exists; give another name, or --overwrite\n"
    assert path.read_text() == "mine"
    absent = run("export", "subpixel-xs", "-o", tmp_path / "no" / "out.glsl", code=1)
    assert "give a file in a folder that exists" in absent.stderr
