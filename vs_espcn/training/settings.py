"""What can be asked of a training run, and what is refused."""

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
"""What happens to images, and in how many variants: drawings are few, and no clips stand beside them."""


def _kept() -> Path:
    return cache_dir() / "degraded"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a run.

    Attributes:
        scale: Integer scale, 2 to 8.
        folders: Folders of training images.
        output: ONNX file; rewritten each time validation improves.
        checkpoint: File that holds the state of the run; a table of its progress lies beside it.
        network: What to train, one of ``vs_espcn.training.networks.catalogue.NAMES``.
        branches: Whether to train each convolution of a sub-pixel network as a sum of branches.
        recipe: ``modern`` or ``paper``.
        degradation: ``clean``, ``bicubic``, ``video`` or ``anime``.
        activation: ``tanh`` or ``relu``; None for the network's own.
        steps: Length of the whole run; None leaves it to ``hours`` or the recipe.
        hours: Longest duration of the whole run, earlier parts included.
        seed: Start of weights and data order.
        resume: Go on from ``checkpoint``; without it, none may be there.
        init_from: Checkpoint or ONNX file whose layers a new run starts from.
        device: ``cpu``, ``cuda``, or ``auto`` for the GPU where there is one.
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
        """Refuse what no run can be made of.

        Raises:
            InputError: A value is out of range, or two of them exclude each other.
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
        """Three files are written, the network, the checkpoint and its table: none over another."""
        if self.output.suffix != ".onnx" or self.output.is_dir():
            raise InputError(f"--out is {self.output}; give a file ending in .onnx, for the network")
        if self.checkpoint.suffix in {".onnx", ".csv"} or self.checkpoint.is_dir():
            raise InputError(f"--checkpoint is {self.checkpoint}; give a file of another kind, such as .ckpt")
        if not self.resume and self.checkpoint.exists():
            raise InputError(
                f"{self.checkpoint} is there already; go on with --resume, delete it,"
                " or name another --checkpoint"
            )

    def pick_degradation(self) -> tuple[Sequence[Degrade], Sequence[Degrade]]:
        """Find what makes the low resolution: that of training images, that of the images held out.

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
        """Find what makes pairs of clips; None where sources are not coded."""
        return Film(_CODED[self.degradation][0], _kept()) if self.degradation in _CODED else None

    def pick_device(self) -> str:
        """Name the device to train on.

        Raises:
            InputError: The device is not known, or not there.
        """
        usable = torch.cuda.is_available()
        if self.device not in {"auto", "cpu", "cuda"}:
            raise InputError(f"device {self.device!r} is not known; choose auto, cpu or cuda")
        if self.device == "cuda" and not usable:
            raise InputError(
                "no CUDA device is usable; train with --device cpu, or repair driver and PyTorch build"
            )
        return "cuda" if usable and self.device != "cpu" else "cpu"
