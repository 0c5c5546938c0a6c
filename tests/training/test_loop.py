"""Runs of a few steps on small images; what they must keep is the same for any length."""

import errno
import math
import os
import signal
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from PIL import Image

from vs_espcn.errors import InputError, TrainingError
from vs_espcn.training import run as run_module
from vs_espcn.training.checkpoint import load_checkpoint, save_checkpoint
from vs_espcn.training.history import read_history
from vs_espcn.training.loop import train
from vs_espcn.training.networks.layers import Espcn
from vs_espcn.training.run import Progress
from vs_espcn.training.settings import Settings


def run(settings: Settings, **changes: Any) -> list[Progress]:
    reports: list[Progress] = []
    train(replace(settings, **changes), reports.append)
    return reports


@pytest.fixture
def settings(tmp_path: Path, image_folder: Path) -> Settings:
    return Settings(
        scale=2,
        folders=(image_folder,),
        output=tmp_path / "espcn_x2.onnx",
        checkpoint=tmp_path / "run.ckpt",
        steps=6,
        validate_every=3,
    )


def facts_of(settings: Settings) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(settings.output).metadata_props}


def assert_same_state(one: object, other: object) -> None:
    if isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds"}:
            assert_same_state(one[key], other[key])
    elif isinstance(one, list):
        assert isinstance(other, list)
        for a, b in zip(one, other, strict=True):
            assert_same_state(a, b)
    elif isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other)
    else:
        assert one == other


def test_a_run_reports_exports_and_leaves_a_checkpoint(settings: Settings) -> None:
    reports = run(settings)
    assert [report.step for report in reports] == [3, 6]
    assert reports[-1].done == 1
    assert reports[-1].best_psnr == max(report.psnr for report in reports)
    facts = facts_of(settings)
    assert facts["scale"] == "2"
    assert facts["recipe"] == "modern"
    assert facts["images"] == "5"
    assert facts["seed"] == "0"
    assert float(facts["validation_psnr"]) == pytest.approx(reports[-1].best_psnr, abs=1e-3)
    assert load_checkpoint(settings.checkpoint)["step"] == 6


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import torch
from vs_espcn.training.loop import train
from vs_espcn.training.settings import Settings

torch.set_num_threads(1)
folder, output, checkpoint = map(Path, sys.argv[1:])
settings = Settings(
    scale=2, folders=(folder,), output=output, checkpoint=checkpoint, steps=6, validate_every=3
)
train(settings, lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.slow
def test_a_killed_and_resumed_run_ends_like_an_unbroken_one(settings: Settings, tmp_path: Path) -> None:
    run(settings)
    second = replace(settings, output=tmp_path / "b.onnx", checkpoint=tmp_path / "b.ckpt")
    arguments = [str(path) for path in (settings.folders[0], second.output, second.checkpoint)]
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert load_checkpoint(second.checkpoint)["step"] == 3
    run(second, resume=True)
    assert_same_state(load_checkpoint(settings.checkpoint), load_checkpoint(second.checkpoint))
    assert [row.step for row in read_history(tmp_path / "b.csv")] == [3, 6]


def test_the_papers_recipe_gives_the_same_weights_from_the_same_seed(
    settings: Settings, tmp_path: Path
) -> None:
    run(settings, recipe="paper")
    for seed, name in ((0, "again"), (1, "other")):
        checkpoint, output = tmp_path / f"{name}.ckpt", tmp_path / f"{name}.onnx"
        run(settings, recipe="paper", seed=seed, checkpoint=checkpoint, output=output)
    assert_same_state(load_checkpoint(settings.checkpoint), load_checkpoint(tmp_path / "again.ckpt"))
    held, other = load_checkpoint(settings.checkpoint), load_checkpoint(tmp_path / "other.ckpt")
    assert not torch.equal(held["weights"]["conv1.weight"], other["weights"]["conv1.weight"])


def test_a_resumed_run_by_the_paper_ends_like_an_unbroken_one(settings: Settings, tmp_path: Path) -> None:
    run(settings, recipe="paper")
    second = replace(settings, recipe="paper", checkpoint=tmp_path / "b.ckpt")

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt(progress.step)

    with pytest.raises(KeyboardInterrupt):
        train(second, stop)
    run(second, resume=True)
    assert_same_state(load_checkpoint(settings.checkpoint), load_checkpoint(tmp_path / "b.ckpt"))


def test_a_finished_run_resumes_to_nothing(settings: Settings) -> None:
    run(settings)
    assert run(settings, resume=True) == []


def test_training_lowers_the_loss(settings: Settings) -> None:
    reports = run(settings, steps=30, validate_every=15)
    assert reports[-1].loss < reports[0].loss
    assert reports[-1].best_psnr > reports[0].best_psnr


def test_a_flat_image_does_not_make_the_mean_infinite(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "score_pair", lambda *_: float("inf"))
    assert run(settings)[-1].best_psnr == 100


def test_hours_end_a_run(settings: Settings) -> None:
    last = run(settings, steps=None, hours=0.3 / 3600)[-1]
    assert last.done == 1
    assert last.seconds >= 0.3
    assert settings.output.exists()
    assert load_checkpoint(settings.checkpoint)["step"] == last.step


def test_a_checkpoint_is_not_overwritten_by_a_new_run(settings: Settings) -> None:
    run(settings)
    with pytest.raises(InputError, match="already exists; continue it with --resume"):
        run(settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 3}, "holds espcn x2 with tanh, but the run asks for espcn x3 with tanh"),
        ({"network": "srcnn-915"}, "holds espcn x2 with tanh, but the run asks for srcnn-915 x2 with relu"),
        ({"activation": "relu"}, "holds espcn x2 with tanh, but the run asks for espcn x2 with relu"),
        ({"recipe": "paper"}, "made with recipe modern, but the run asks for paper"),
        ({"seed": 7}, "made with seed 0, but the run asks for 7"),
    ],
)
def test_another_run_cannot_be_resumed(settings: Settings, changes: dict[str, Any], message: str) -> None:
    run(settings, steps=3)
    with pytest.raises(InputError, match=message):
        run(settings, resume=True, **changes)


def test_a_run_on_other_images_cannot_be_resumed(settings: Settings, tmp_path: Path) -> None:
    run(settings, steps=3)
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    for path in sorted(settings.folders[0].iterdir())[:4]:
        (fewer / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="was made with data"):
        run(settings, resume=True, folders=(fewer,))


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_state(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, steps=3)
    phases = Espcn.phases
    monkeypatch.setattr(Espcn, "phases", lambda self, luma: phases(self, luma) * float("nan"))
    with pytest.raises(TrainingError, match="the loss became nan by step 6"):
        run(settings, resume=True)
    assert load_checkpoint(settings.checkpoint)["step"] == 3


def test_a_full_disk_ends_the_run_and_keeps_the_last_checkpoint(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, steps=3)
    before = settings.checkpoint.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"cannot write .*No space left on device.*free space"):
        run(settings, resume=True)
    assert settings.checkpoint.read_bytes() == before
    monkeypatch.undo()
    assert run(settings, resume=True)[-1].step == 6


def test_images_of_which_none_is_usable_are_refused(settings: Settings, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "text.png").write_text("no image")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="0 usable images; training needs two or more"):
        run(settings, folders=(bad,))
    with pytest.raises(InputError, match="no images in"):
        run(settings, folders=(empty,))


def test_grey_and_transparent_images_are_trained_on(settings: Settings, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    rgb = Image.open(sorted(settings.folders[0].iterdir())[0])
    for mode in ("L", "LA", "RGBA", "P", "CMYK"):
        rgb.convert(mode).save(mixed / f"{mode}.{'tif' if mode == 'CMYK' else 'png'}")
    assert run(settings, folders=(mixed,), steps=3)[-1].step == 3
    assert facts_of(settings)["images"] == "4"


def test_a_new_run_starts_from_another_scale(settings: Settings, tmp_path: Path) -> None:
    run(settings, steps=3)
    reports = run(
        settings,
        scale=3,
        checkpoint=tmp_path / "x3.ckpt",
        init_from=settings.checkpoint,
        output=tmp_path / "x3.onnx",
    )
    assert reports[-1].step == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": Path("x.ckpt")}, r"--out is x.ckpt; give a file ending in \.onnx"),
        ({"output": Path("x.csv")}, "--out is x.csv; give a file"),
        ({"output": Path("x")}, "--out is x; give a file"),
        ({"checkpoint": Path("x.onnx")}, "--checkpoint is x.onnx; give a file such as run.ckpt"),
        ({"checkpoint": Path("x.csv")}, "--checkpoint is x.csv; give a file such as run.ckpt"),
        ({"scale": 1}, "scale 1 is not supported; choose 2 to 8"),
        ({"seed": -1}, "--seed is -1; give a whole number from 0"),
        ({"seed": 1 << 63}, "--seed is 9223372036854775808; give a whole number from 0"),
        ({"steps": 0}, "--steps is 0; it must be more than 0"),
        ({"hours": float("nan")}, "--hours is nan"),
        (
            {"network": "vgg"},
            "network 'vgg' cannot be trained; choose espcn, srcnn-915, srcnn-955",
        ),
        (
            {"network": "subpixel-s-int8"},
            "'subpixel-s-int8' needs a trained network, .* name one with --init-from",
        ),
        ({"activation": "sigmoid"}, "activation 'sigmoid' is not known; choose tanh or relu"),
        ({"recipe": "quick"}, "recipe 'quick' does not exist"),
        ({"resume": True, "init_from": Path("x")}, "exclude each other"),
        ({"resume": True}, "no checkpoint at"),
        ({"init_from": Path("none.ckpt")}, r"no checkpoint at none\.ckpt"),
    ],
)
def test_wrong_settings_are_refused(settings: Settings, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(settings, **changes)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_without_a_device_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="no CUDA device is usable"):
        run(settings, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_trains_and_resumes(settings: Settings) -> None:
    run(settings, device="cuda", steps=3)
    assert run(settings, device="cuda", resume=True)[-1].step == 6


def spoilt(state: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with one value changed, or taken out where the new one is `...`."""
    *outer, last = path.split("/")
    state = deepcopy(state)
    inner = state
    for name in outer:
        inner = inner[int(name) if name.isdecimal() else name]
    key = int(last) if last.isdecimal() else last
    if value is ...:
        del inner[key]
    else:
        inner[key] = value
    return state


SPOILT: list[tuple[str, object]] = [
    *((name, ...) for name in ("recipe", "data", "seed", "weights", "optimizer", "patches", "schedule")),
    *((name, ...) for name in ("step", "seconds", "loss", "psnr", "best_psnr")),
    ("step", "3"),
    ("step", -1),
    ("seconds", math.nan),
    ("weights", {}),
    ("optimizer", {}),
    ("optimizer/state", []),
    ("optimizer/state/0/exp_avg", torch.ones(3)),
    ("optimizer/state/0/Q", []),
    ("optimizer/state/0/GG", ...),
    ("optimizer/param_groups/0/step", "one"),
    ("optimizer/param_groups/0/step", 0),
    ("optimizer/param_groups/0/params", [0]),
    ("patches/random", {}),
    ("patches/random/state", "x"),
]


@pytest.mark.parametrize(
    ("place", "value"), SPOILT, ids=[f"{place}-{number}" for number, (place, _) in enumerate(SPOILT)]
)
def test_a_run_does_not_go_on_from_a_spoilt_checkpoint(settings: Settings, place: str, value: object) -> None:
    run(settings, steps=3)
    save_checkpoint(settings.checkpoint, spoilt(load_checkpoint(settings.checkpoint), place, value))
    with pytest.raises(InputError, match=r"does not hold the whole state of a run|are not those of espcn x2"):
        run(settings, resume=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("optimizer/state/0/momentum_buffer", torch.ones(3)),
        ("optimizer/state/0/momentum_buffer", "x"),
        ("patches/order", [10**6]),
        ("patches/order", "x"),
        ("patches/next", -1),
        ("schedule/rate", "x"),
        ("schedule", {}),
    ],
)
def test_nor_by_the_paper(settings: Settings, place: str, value: object) -> None:
    run(settings, recipe="paper", steps=3)
    save_checkpoint(settings.checkpoint, spoilt(load_checkpoint(settings.checkpoint), place, value))
    with pytest.raises(InputError, match="does not hold the whole state of a run"):
        run(settings, recipe="paper", resume=True)


@pytest.mark.parametrize("place", ["param_groups/0", "state/0"])
def test_options_in_a_checkpoint_do_not_replace_the_recipes(settings: Settings, place: str) -> None:
    run(settings, steps=3)
    state = load_checkpoint(settings.checkpoint)
    spoilt_state = spoilt(state, f"optimizer/{place}/precondition_frequency", 0)
    save_checkpoint(settings.checkpoint, spoilt_state)
    assert run(settings, resume=True)[-1].step == 6
