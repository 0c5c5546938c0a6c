"""Carry out a training run: its steps, validations and checkpoints."""

import logging
import math
import time
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vs_espcn.errors import InputError, TrainingError
from vs_espcn.networks.registry import trained_name
from vs_espcn.training.checkpoint import (
    check_same_network,
    check_same_run,
    check_whole,
    describe,
    load_checkpoint,
    not_whole,
    save_checkpoint,
    take_weights,
)
from vs_espcn.training.data.dataset import load_images
from vs_espcn.training.data.patches import RandomPatches
from vs_espcn.training.evaluate import as_upscaler, score_pair
from vs_espcn.training.export import save_onnx
from vs_espcn.training.history import History, HistoryRow
from vs_espcn.training.initial_weights import start_from
from vs_espcn.training.int8.calibration import calibrate, ramps
from vs_espcn.training.int8.rounding import round_weights
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import Network
from vs_espcn.training.optimizer import restore_optimizer
from vs_espcn.training.recipes import find_recipe
from vs_espcn.training.settings import Settings

logger = logging.getLogger(__name__)

_BFLOAT16 = "avx512_bf16"
"""Capability of x86 processors with bfloat16; those without take ten times as long in it."""

_TYPICAL_PATCHES = 256  # from images, and as many ramps

_CEILING = 100.0  # dB; a flat image, upscaled without error, must not make the mean infinite


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of a run.

    Attributes:
        step: Steps taken.
        done: Completed share of the run, 0..1.
        seconds: Training time, including earlier parts of a resumed run.
        loss: Mean squared error since the last report, on luma code / 255.
        psnr: Latest validation PSNR in dB; NaN before the first.
        best_psnr: Best validation PSNR in dB so far, that of the exported file; -inf before the first.
    """

    step: int
    done: float
    seconds: float
    loss: float
    psnr: float
    best_psnr: float


def has_bfloat16(device: str) -> bool:
    """Tell whether a device computes in bfloat16 rather than emulating it."""
    return device == "cuda" or bool(torch.cpu.get_capabilities().get(_BFLOAT16))


class Run:
    """A run in progress: the contents of a checkpoint, and the images."""

    def __init__(self, settings: Settings) -> None:
        """Check the settings, read the images, and make or restore the network.

        Args:
            settings: The settings of the run.

        Raises:
            InputError: Settings, images or checkpoint cannot be used.
            TrainingError: ffmpeg is missing or failed.
        """
        settings.check()
        self._settings = settings
        self._recipe = find_recipe(settings.recipe)
        self._device = settings.pick_device()
        torch.manual_seed(settings.seed)
        network = make_network(
            settings.network, settings.scale, settings.activation, branches=settings.branches
        )
        if settings.init_from:
            start_from(settings.init_from, network)
        state = load_checkpoint(settings.checkpoint) if settings.resume else None
        if state:
            check_same_network(settings.checkpoint, state, network)
            check_whole(settings.checkpoint, state)
        degrades, validate_by = settings.pick_degradation()
        self._images = load_images(
            settings.folders,
            settings.scale,
            patch=self._recipe.patch,
            shares=self._recipe.shares,
            degrades=degrades,
            validate_by=validate_by,
            film=settings.pick_film(),
        )
        if isinstance(network, Int8Network) and not network.is_calibrated and not state:
            self._calibrate(network)
        self._bfloat16 = self._recipe.bfloat16 and has_bfloat16(self._device)
        self._network = network.to(device=self._device).to(memory_format=torch.channels_last)
        self._average = deepcopy(self._network)
        self._optimizer = self._recipe.optimizer(self._network)
        self._patches, self._schedule = self._recipe.course(self._images.pairs, settings.seed)
        self.step = 0
        self._losses: list[Tensor] = []
        self._loss = self._psnr = self._rate = math.nan
        self._best_psnr = -math.inf
        self._seconds_before = 0.0
        self._history = History(settings.checkpoint.with_suffix(".csv"), up_to=state["step"] if state else 0)
        if state:
            self._restore(state)
        self._started = time.perf_counter()
        self._done = self._share_done()

    @property
    def finished(self) -> bool:
        """True if the latest step used up the budget, or the schedule ended the run."""
        return self._done >= 1 or self._schedule.finished

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _share_done(self) -> float:
        """Return the completed share of the run, by the limit that is nearer."""
        steps, hours = self._settings.steps, self._settings.hours
        if steps is None and hours is None:
            steps = self._recipe.steps
        by_steps = self.step / steps if steps else 0.0
        by_time = self._seconds / (3600 * hours) if hours else 0.0
        return min(1.0, max(by_steps, by_time))

    def advance(self) -> None:
        """Take one step."""
        self._rate = self._schedule.rate(self.step, self._done)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * group.get("speed", 1.0)
        low, phases = (torch.from_numpy(array).to(self._device) for array in self._patches.draw())
        with torch.autocast(self._device, torch.bfloat16, enabled=self._bfloat16):
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
        """Average the losses since the last call.

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
        """Measure the averaged weights, record the result, and export them if they are the best so far."""
        network = self._finished()
        upscale = as_upscaler(network)
        scale = self._settings.scale
        scores = [min(_CEILING, score_pair(*pair, scale, upscale)) for pair in self._images.validation]
        self._psnr = float(np.mean(scores))
        logger.info("step %d: loss %.3g, validation %.3f dB", self.step, self._loss, self._psnr)
        if self._psnr > self._best_psnr:
            self._best_psnr = self._psnr
            save_onnx(network, self._settings.output, self._facts())
        self._history.add(
            HistoryRow(
                step=self.step,
                hours=self._seconds / 3600,
                rate=self._rate,
                loss=self._loss,
                psnr=self._psnr,
            )
        )

    def _finished(self) -> Network:
        """Return the averaged weights; those of an int8 network are rounded to codes."""
        if not isinstance(self._average, Int8Network):
            return self._average
        return round_weights(self._average, self._typical())

    def _calibrate(self, network: Int8Network) -> None:
        if self._settings.init_from is None:
            raise InputError(
                f"network {network.name!r} needs a trained network, whose activations give its quantisation"
                " steps; name one with --init-from"
            )
        calibrate(network, self._typical())

    def _typical(self) -> Tensor:
        """Return the low-resolution patches for calibration and rounding, always the same ones."""
        patches = RandomPatches(
            self._images.pairs, size=self._recipe.patch, batch=_TYPICAL_PATCHES, seed=self._settings.seed
        )
        smooth = ramps(_TYPICAL_PATCHES, self._recipe.patch)
        return torch.cat([torch.from_numpy(patches.draw()[0]), smooth])

    def _facts(self) -> dict[str, str]:
        settings = self._settings
        facts = {
            "network": trained_name(self._network.name, settings.degradation),
            "activation": self._network.activation,
            "recipe": self._recipe.name,
            "degradation": settings.degradation,
            "data": " ".join(folder.name for folder in settings.folders),
            "images": self._images.count,
            "steps": self.step,
            "seed": settings.seed,
            "hours": f"{self._seconds / 3600:.2f}",
            "validation_psnr": f"{self._psnr:.3f}",
            "version": version("vs-espcn"),
        }
        return {name: str(fact) for name, fact in facts.items()}

    def _identity(self) -> dict[str, str | int]:
        """Return what a resumed run must have in common with the earlier one."""
        return {
            "recipe": self._recipe.name,
            "degradation": self._settings.degradation,
            "data": self._images.digest,
            "seed": self._settings.seed,
        }

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "of": describe(self._network),
            **self._identity(),
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
        check_same_run(path, state, self._identity())
        take_weights(path, self._network, state["weights"])
        take_weights(path, self._average, state["average"])
        try:
            restore_optimizer(self._optimizer, state["optimizer"])
            self._patches.load_state_dict(state["patches"])
            self._schedule.load_state_dict(state["schedule"])
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
            raise not_whole(path) from error
        self.step, self._seconds_before = state["step"], state["seconds"]
        self._loss, self._psnr, self._best_psnr = state["loss"], state["psnr"], state["best_psnr"]

    def progress(self) -> Progress:
        """Return how far the run is."""
        return Progress(
            step=self.step,
            done=self._done,
            seconds=self._seconds,
            loss=self._loss,
            psnr=self._psnr,
            best_psnr=self._best_psnr,
        )
