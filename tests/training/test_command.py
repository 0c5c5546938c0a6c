"""``vs-espcn train`` as a user calls it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vs_espcn.cli import app
from vs_espcn.errors import InputError
from vs_espcn.networks.registry import load_network, network_metadata
from vs_espcn.training.history import read_history


def arguments(folder: Path, output: Path, *more: str) -> list[str]:
    options = {"--scale": "2", "--data": str(folder), "--out": str(output), "--steps": "4"}
    return ["train", *(word for option in options.items() for word in option), *more]


@pytest.mark.parametrize(
    ("options", "network", "activation"),
    [
        ((), "espcn", "tanh"),
        (("--recipe", "paper", "--activation", "relu"), "espcn", "relu"),
        (("--network", "srcnn-915"), "srcnn-915", "relu"),
        (("--network", "subpixel-s", "--branches"), "subpixel-s", "leaky"),
    ],
)
def test_a_network_its_checkpoint_and_its_table_are_written(
    options: tuple[str, ...], network: str, activation: str, image_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.onnx"
    done = CliRunner().invoke(app, arguments(image_folder, output, "--validate-every", "2", *options))
    assert done.exit_code == 0, done.exception
    assert done.stdout == ""
    assert "dB on the images held out, after 4 steps" in done.stderr.replace("\n", " ")
    facts = network_metadata(load_network(output))
    assert (facts["network"], facts["activation"]) == (network, activation)
    assert [row.step for row in read_history(output.with_suffix(".csv"))] == [2, 4]
    assert output.with_suffix(".ckpt").is_file()


def test_a_wrong_folder_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, arguments(tmp_path / "none", tmp_path / "out.onnx"))
    assert isinstance(done.exception, InputError)
    assert f"{tmp_path / 'none'} is not a folder; give folders of images" in str(done.exception)
    assert done.stderr == ""  # no progress bar where nobody watches


@pytest.mark.parametrize("degradation", ["video", "anime"])
def test_a_network_is_trained_on_what_encoders_leave(
    degradation: str, image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path / "cache"))
    output = tmp_path / "out.onnx"
    options = arguments(image_folder, output, "--degradation", degradation)
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.exception
    facts = network_metadata(load_network(output))
    assert (facts["network"], facts["degradation"]) == (f"espcn-{degradation}", degradation)
    assert any((tmp_path / "cache" / "degraded").rglob("*.png"))
    resumed = CliRunner().invoke(app, arguments(image_folder, output, "--resume"))
    assert f"was made with degradation {degradation}, but the run asks for clean" in str(resumed.exception)


def test_an_unknown_degradation_is_refused(image_folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, arguments(image_folder, tmp_path / "out.onnx", "--degradation", "film"))
    assert "degradation 'film' is not known; choose clean, bicubic, video or anime" in str(done.exception)
