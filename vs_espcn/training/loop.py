"""The training loop: steps, validation, checkpoints."""

import logging
import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vs_espcn.errors import InputError, TrainingError
from vs_espcn.training.checkpoint import (
    check_same_network,
    describe,
    load_checkpoint,
    save_checkpoint,
    start_from,
)
from vs_espcn.training.dataset import load_images
from vs_espcn.training.evaluate import as_upscaler, score_image
from vs_espcn.training.export import save_onnx
from vs_espcn.training.network import Espcn
from vs_espcn.training.recipes import find_recipe

logger = logging.getLogger(__name__)

_REPORT_EVERY = 50  # steps between two reports
_CEILING = 100.0  # dB; one flat image, enlarged without error, must not make the mean infinite


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a run.

    Attributes:
        scale: Integer scale, 2 to 8.
        folders: Folders of training images.
        output: ONNX file; rewritten each time validation improves.
        checkpoint: File that holds the state of the run.
        recipe: ``modern`` or ``paper``.
        activation: ``tanh`` or ``relu``.
        steps: Length of the whole run; None leaves it to ``hours`` or the recipe.
        hours: Longest duration of the whole run, earlier parts included.
        seed: Start of weights and data order.
        resume: Go on from ``checkpoint``; without it, none may be there.
        init_from: Checkpoint whose layers a new run starts from.
        device: ``cpu``, ``cuda``, or ``auto`` for the GPU where there is one.
        validate_every: Steps between two validations; each writes a checkpoint.
    """

    scale: int
    folders: tuple[Path, ...]
    output: Path
    checkpoint: Path
    recipe: str = "modern"
    activation: str = "tanh"
    steps: int | None = None
    hours: float | None = None
    seed: int = 0
    resume: bool = False
    init_from: Path | None = None
    device: str = "auto"
    validate_every: int = 2000


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes:
        step: Steps taken.
        done: Share of the run that is done, 0..1.
        seconds: Time spent training, earlier parts of a resumed run included.
        loss: Mean squared error since the last report, luma code / 255.
        psnr: Latest validation PSNR in dB; NaN before the first.
        best_psnr: Best validation PSNR in dB so far, that of the exported file; -inf before the first.
    """

    step: int
    done: float
    seconds: float
    loss: float
    psnr: float
    best_psnr: float


def train(settings: Settings, report: Callable[[Progress], None]) -> Progress:
    """Train a network and export it each time validation improves.

    Args:
        settings: What is asked.
        report: Called every 50 steps and after each validation.

    Returns:
        Where the run ended.

    Raises:
        InputError: Settings, images or checkpoint cannot be used.
        TrainingError: The loss is no longer finite, or a file cannot be written.
    """
    run = _Run(settings)
    while not run.finished:
        run.advance()
        due = run.finished or run.step % settings.validate_every == 0
        if due or run.step % _REPORT_EVERY == 0:
            run.take_loss()
            if due:
                run.validate()
                run.save()
            report(run.progress())
    return run.progress()


class _Run:
    """A run under way: everything that a checkpoint holds, and the images."""

    def __init__(self, settings: Settings) -> None:
        _check(settings)
        self._settings = settings
        self._recipe = find_recipe(settings.recipe)
        self._device = _pick_device(settings.device)
        torch.manual_seed(settings.seed)
        network = Espcn(settings.scale, settings.activation)
        if settings.init_from:
            start_from(settings.init_from, network)
        state = load_checkpoint(settings.checkpoint) if settings.resume else None
        if state:
            check_same_network(settings.checkpoint, state, network)
        self._images = load_images(
            settings.folders, settings.scale, patch=self._recipe.patch, shares=self._recipe.shares
        )
        self._network = network.to(device=self._device).to(memory_format=torch.channels_last)
        self._average = deepcopy(self._network)
        self._optimizer = self._recipe.optimizer(self._network)
        self._patches, self._schedule = self._recipe.plan(self._images.pairs, settings.seed)
        self.step = 0
        self._losses: list[Tensor] = []
        self._loss = self._psnr = math.nan
        self._best_psnr = -math.inf
        self._seconds_before = 0.0
        if state:
            self._restore(state)
        self._started = time.perf_counter()
        self._done = self._share_done()

    @property
    def finished(self) -> bool:
        """Whether the budget was spent, or the schedule ended the run, with the step taken last."""
        return self._done >= 1 or self._schedule.finished

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _share_done(self) -> float:
        """Share of the run that is done; of the two limits, the nearer one counts."""
        steps, hours = self._settings.steps, self._settings.hours
        if steps is None and hours is None:
            steps = self._recipe.steps
        by_steps = self.step / steps if steps else 0.0
        by_time = self._seconds / (3600 * hours) if hours else 0.0
        return min(1.0, max(by_steps, by_time))

    def advance(self) -> None:
        """Take one step."""
        rate = self._schedule.rate(self.step, self._done)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("speed", 1.0)
        low, phases = (torch.from_numpy(array).to(self._device) for array in self._patches.draw())
        with torch.autocast(self._device, torch.bfloat16, enabled=self._recipe.bfloat16):
            loss = functional.mse_loss(self._network.phases(low), phases)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self.step += 1
        self._average_weights()
        self._losses.append(loss.detach())
        self._schedule.observe(self._losses[-1])
        self._done = self._share_done()

    @torch.no_grad()
    def _average_weights(self) -> None:
        past = min(self._recipe.averaging, 1 - 1 / self.step)  # a plain mean at first
        for mean, weight in zip(self._average.parameters(), self._network.parameters(), strict=True):
            mean.lerp_(weight, 1 - past)

    def take_loss(self) -> None:
        """Sum up the losses since the last call.

        Raises:
            TrainingError: One of them is not finite.
        """
        self._loss = float(torch.stack(self._losses).mean())
        self._losses = []
        if not math.isfinite(self._loss):
            raise TrainingError(
                f"the loss became {self._loss} by step {self.step}; the last good state, if one was written,"
                f" is in {self._settings.checkpoint}: train again with another --seed"
            )

    def validate(self) -> None:
        """Measure the averaged weights; export them if they are the best so far."""
        upscale = as_upscaler(self._average)
        scale = self._settings.scale
        scores = [min(_CEILING, score_image(luma, scale, upscale)) for luma in self._images.validation]
        self._psnr = float(np.mean(scores))
        logger.info("step %d: loss %.3g, validation %.3f dB", self.step, self._loss, self._psnr)
        if self._psnr > self._best_psnr:
            self._best_psnr = self._psnr
            save_onnx(self._average, self._settings.output, self._facts())

    def _facts(self) -> dict[str, str]:
        settings = self._settings
        facts = {
            "activation": settings.activation,
            "recipe": self._recipe.name,
            "data": " ".join(folder.name for folder in settings.folders),
            "images": self._images.count,
            "steps": self.step,
            "seed": settings.seed,
            "hours": f"{self._seconds / 3600:.2f}",
            "validation_psnr": f"{self._psnr:.3f}",
            "version": version("vs-espcn"),
        }
        return {name: str(fact) for name, fact in facts.items()}

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "of": describe(self._network),
            "recipe": self._recipe.name,
            "data": self._images.digest,
            "seed": self._settings.seed,
            "weights": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "patches": self._patches.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self.step,
            "seconds": self._seconds,
            "loss": self._loss,
            "psnr": self._psnr,
            "best_psnr": self._best_psnr,
        }
        save_checkpoint(self._settings.checkpoint, state)

    def _restore(self, state: dict[str, Any]) -> None:
        path = self._settings.checkpoint
        for name, wanted in (
            ("recipe", self._recipe.name),
            ("data", self._images.digest),
            ("seed", self._settings.seed),
        ):
            if state[name] != wanted:
                raise InputError(
                    f"{path} was made with {name} {state[name]}, the run asks for {wanted};"
                    f" resume with the same {name}, or start from it with --init-from"
                )
        self._network.load_state_dict(state["weights"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._patches.load_state_dict(state["patches"])
        self._schedule.load_state_dict(state["schedule"])
        self.step, self._seconds_before = state["step"], state["seconds"]
        self._loss, self._psnr, self._best_psnr = state["loss"], state["psnr"], state["best_psnr"]

    def progress(self) -> Progress:
        """Say how far the run is."""
        return Progress(
            step=self.step,
            done=self._done,
            seconds=self._seconds,
            loss=self._loss,
            psnr=self._psnr,
            best_psnr=self._best_psnr,
        )


def _check(settings: Settings) -> None:
    if not 2 <= settings.scale <= 8:
        raise InputError(f"scale {settings.scale} is not supported; choose 2 to 8")
    for name, value in (("steps", settings.steps), ("hours", settings.hours)):
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"--{name} is {value}; it must be more than 0")
    if settings.resume and settings.init_from:
        raise InputError("--resume and --init-from exclude each other; --init-from starts a new run")
    if not settings.resume and settings.checkpoint.exists():
        raise InputError(
            f"{settings.checkpoint} is there already; go on with --resume, delete it,"
            " or name another --checkpoint"
        )


def _pick_device(asked: str) -> str:
    usable = torch.cuda.is_available()
    if asked not in {"auto", "cpu", "cuda"}:
        raise InputError(f"device {asked!r} is not known; choose auto, cpu or cuda")
    if asked == "cuda" and not usable:
        raise InputError(
            "no CUDA device is usable; train with --device cpu, or repair driver and PyTorch build"
        )
    return "cuda" if usable and asked != "cpu" else "cpu"
