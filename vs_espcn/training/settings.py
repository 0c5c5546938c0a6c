"""The settings of a training run, and their checks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vs_espcn.cache_folder import cache_dir
from vs_espcn.errors import InputError
from vs_espcn.training.data import mix
from vs_espcn.training.data.compression import ANIME, VIDEO, AsVideo
from vs_espcn.training.data.degradation import Degrade, bicubic
from vs_espcn.training.data.film import Film

_CODED = {"video": (VIDEO, 1), "anime": (ANIME, 2)}
"""Profile, and variants per image: drawn images are few, and no clips complement them."""


def _kept() -> Path:
    return cache_dir() / "degraded"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a training run.

    Attributes:
        scale: Integer scale, 2 to 8.
        folders: Folders of training images.
        output: ONNX file, rewritten each time validation improves.
        checkpoint: File for the state of the run; a CSV table of its progress lies next to it.
        network: The network to train, one of ``vs_espcn.training.networks.catalogue.NAMES``.
        branches: True to train each convolution of a sub-pixel network as a sum of branches.
        recipe: ``modern`` or ``paper``.
        degradation: ``clean``, ``bicubic``, ``video`` or ``anime``.
        activation: ``tanh``, ``relu`` or ``leaky``; None for the network's own.
        steps: Length of the whole run; None for the limit of ``hours`` or the recipe's.
        hours: Longest duration of the whole run, earlier parts included.
        seed: Seed of initial weights and data order.
        resume: True to resume from ``checkpoint``; if False, that file must not exist.
        init_from: Checkpoint or ONNX file whose layers a new run takes over.
        device: ``cpu``, ``cuda``, or ``auto`` for the GPU if there is one.
        validate_every: Steps between two validations; each writes a checkpoint.
    """

    scale: int
    folders: tuple[Path, ...]
    output: Path
    checkpoint: Path
    network: str = "espcn"
    branches: bool = False
    recipe: str = "modern"
    degradation: str = "clean"
    activation: str | None = None
    steps: int | None = None
    hours: float | None = None
    seed: int = 0
    resume: bool = False
    init_from: Path | None = None
    device: str = "auto"
    validate_every: int = 2000

    def check(self) -> None:
        """Check values and paths.

        Raises:
            InputError: A value is out of range, two of them exclude each other, or a path cannot be used.
        """
        if not 2 <= self.scale <= 8:
            raise InputError(f"scale {self.scale} is not supported; choose 2 to 8")
        self._check_files()
        for name, value in (("steps", self.steps), ("hours", self.hours)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"--{name} is {value}; it must be more than 0")
        if not 0 <= self.seed < 1 << 63:
            raise InputError(f"--seed is {self.seed}; give a whole number from 0 to 2^63 - 1")
        if self.resume and self.init_from:
            raise InputError("--resume and --init-from exclude each other; --init-from starts a new run")

    def _check_files(self) -> None:
        """Check that the three files to write, network, checkpoint and table, don't overwrite each other."""
        if self.output.suffix != ".onnx" or self.output.is_dir():
            raise InputError(f"--out is {self.output}; give a file ending in .onnx, for the network")
        if self.checkpoint.suffix in {".onnx", ".csv"} or self.checkpoint.is_dir():
            raise InputError(f"--checkpoint is {self.checkpoint}; give a file such as run.ckpt")
        if not self.resume and self.checkpoint.exists():
            raise InputError(
                f"{self.checkpoint} already exists; continue it with --resume, delete it,"
                " or name another --checkpoint"
            )

    def pick_degradation(self) -> tuple[Sequence[Degrade], Sequence[Degrade]]:
        """Return the degradations of the training images, and those of the held-out images.

        Raises:
            InputError: The degradation is not known.
        """
        if self.degradation == "clean":
            return mix.TRAINING, mix.VALIDATION
        if self.degradation == "bicubic":
            return (bicubic,), (bicubic,)
        if self.degradation in _CODED:
            source, variants = _CODED[self.degradation]
            coded = tuple(AsVideo(source, _kept(), number) for number in range(variants))
            return coded, coded[:1]
        raise InputError(
            f"degradation {self.degradation!r} is not known; choose clean, bicubic, video or anime"
        )

    def pick_film(self) -> Film | None:
        """Return the source of pairs from clips; None for degradations without encoders."""
        return Film(_CODED[self.degradation][0], _kept()) if self.degradation in _CODED else None

    def pick_device(self) -> str:
        """Return the device to train on, ``cpu`` or ``cuda``.

        Raises:
            InputError: The device is not known, or not usable.
        """
        usable = torch.cuda.is_available()
        if self.device not in {"auto", "cpu", "cuda"}:
            raise InputError(f"device {self.device!r} is not known; choose auto, cpu or cuda")
        if self.device == "cuda" and not usable:
            raise InputError(
                "no CUDA device is usable; train with --device cpu, or repair the driver or the PyTorch build"
            )
        return "cuda" if usable and self.device != "cpu" else "cpu"
