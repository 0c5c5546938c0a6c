import re
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vs_espcn
from tests.clips import largest_difference
from tests.evaluation.pictures import picture
from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import first_luma, to_clip
from vs_espcn.evaluation.methods import BICUBIC, RESIZERS, choose
from vs_espcn.training.checkpoint import save_checkpoint
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit, shrink
from vs_espcn.training.export import save_onnx
from vs_espcn.training.networks.layers import Espcn

LUMA = picture(height=48, width=60)[..., 0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One network with random weights, as an ONNX file and as a checkpoint."""
    folder = tmp_path_factory.mktemp("trained")
    torch.manual_seed(1)
    network = Espcn(3)
    of = {"network": "espcn", "scale": 3, "activation": "tanh"}
    save_onnx(network, folder / "run.onnx", {})
    save_checkpoint(folder / "run.ckpt", {"of": of, "average": network.state_dict()})
    return folder / "run.onnx", folder / "run.ckpt"


def test_without_a_choice_everything_is_measured_at_the_usual_scales() -> None:
    methods, scales = choose([], [], None, [], None)
    assert scales == [2, 3, 4]
    names = [method.name for method in methods]
    assert names[: len(RESIZERS)] == ["nearest", "bilinear", "bicubic", "lanczos", "spline36"]
    assert names[len(RESIZERS) :] == [
        "espcn",
        "subpixel-m",
        "subpixel-m-anime",
        "subpixel-m-video",
        "subpixel-s",
        "subpixel-s-anime",
        "subpixel-s-video",
        "subpixel-xs",
        "subpixel-xs-video",
    ]


def test_files_bring_their_scale(trained: tuple[Path, Path]) -> None:
    onnx, checkpoint = trained
    methods, scales = choose(["bicubic"], [onnx], checkpoint, [], None)
    assert scales == [3]
    assert [method.name for method in methods] == ["bicubic", str(onnx), f"{checkpoint} (PyTorch)"]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_the_literatures_in_both_directions(scale: int) -> None:
    (bicubic,), _ = choose(["bicubic"], [], None, [scale], None)
    expected = round_to_8_bit(enlarge(LUMA / 255, scale))
    assert largest_difference(first_luma(bicubic.upscale(to_clip(LUMA), scale)), expected) <= 1
    low = vs.core.resize.Bicubic(to_clip(LUMA), width=60 // scale, height=48 // scale, **BICUBIC)
    assert largest_difference(first_luma(low), round_to_8_bit(shrink(LUMA / 255, scale))) <= 1


@pytest.mark.parametrize("name", RESIZERS)
def test_every_resizer_takes_tiny_clips(name: str) -> None:
    (method,), _ = choose([name], [], None, [4], None)
    result = method.upscale(to_clip(LUMA[:4, :3]), 4)
    assert (result.width, result.height) == (12, 16)


def test_a_network_runs_through_the_filter() -> None:
    (espcn,), _ = choose(["espcn"], [], None, [2], vs_espcn.OpenVINO(precision="fp32"))
    backend = vs_espcn.OpenVINO(precision="fp32")
    expected = first_luma(vs_espcn.upscale(to_clip(LUMA), 2, network="espcn", backend=backend))
    assert np.array_equal(first_luma(espcn.upscale(to_clip(LUMA), 2)), expected)


def test_file_and_checkpoint_of_one_network_agree(trained: tuple[Path, Path]) -> None:
    methods, _ = choose(["bicubic"], [trained[0]], trained[1], [3], vs_espcn.OpenVINO(precision="fp32"))
    _, filtered, by_torch = (first_luma(method.upscale(to_clip(LUMA), 3)) for method in methods)
    assert filtered.std() > 0
    assert largest_difference(filtered, by_torch) <= 1


def test_another_scale_is_refused_naming_both(trained: tuple[Path, Path]) -> None:
    onnx, checkpoint = trained
    for files, state in (([onnx], None), ([], checkpoint)):
        with pytest.raises(InputError, match=r"network .*run.* has scale x3, asked for is x2, x4"):
            choose([], files, state, [4, 2], None)


@pytest.mark.parametrize(
    ("names", "files", "message"),
    [
        (["bicubik"], [], "method 'bicubik' is not known; choose one of nearest, bilinear, bicubic, lanczos"),
        ([], ["espcn"], "network 'espcn' is not a file ending in .onnx; shipped networks are named by"),
        ([], ["absent.onnx"], "cannot read the network absent.onnx"),
    ],
)
def test_unknown_methods_are_refused(names: list[str], files: list[str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        choose(names, [Path(file) for file in files], None, [], None)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint at .*absent\.ckpt; give the \.ckpt file"):
        choose([], [], tmp_path / "absent.ckpt", [], None)
    (tmp_path / "torn.ckpt").write_bytes(b"PK torn")
    with pytest.raises(InputError, match=r"torn\.ckpt is not a checkpoint or is damaged"):
        choose([], [], tmp_path / "torn.ckpt", [], None)
