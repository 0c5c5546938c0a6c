"""Compare losses, distillation and patch sizes by short runs; renew docs/explanation/training.md.

    uv run --group dev --extra train python scripts/dev/loss_comparison.py STEPS DATA [DATA ...]

The folders hold images. All runs train subpixel-s at x2 from the same random weights on the same
images in the same order, and are measured on the held-out images: those of clean sources after each
kernel of the validation, those of coded sources after the encoders of `--degradation video`.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from brief_training import Loss, squared_error, train_briefly
from pages import paste, table
from torch import Tensor
from torch.nn import functional

from vs_espcn.networks import registry
from vs_espcn.training.data.dataset import load_images
from vs_espcn.training.data.patches import RandomPatches
from vs_espcn.training.evaluate import as_upscaler, score_pair
from vs_espcn.training.initial_weights import start_from
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Network
from vs_espcn.training.recipes import MODERN
from vs_espcn.training.schedule import Cosine
from vs_espcn.training.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "training.md"
SCALE, SEED = 2, 0
STUDENT, TEACHER = "subpixel-s", "subpixel-m"
PATCH, BATCH = 32, 16
EDGE_GAIN = 4.0


def charbonnier(low: Tensor, phases: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of a smooth absolute error."""
    del low
    return torch.sqrt((phases - truth) ** 2 + 1e-6).mean()


def edge_weighted(low: Tensor, phases: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error, weighted up to five times where the low resolution has edges."""
    padded = functional.pad(low, (1, 1, 1, 1), mode="replicate")
    slope = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).abs()
    slope = slope + (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).abs()
    weights = 1 + EDGE_GAIN * (4 * slope).clamp(max=1)
    return (weights / weights.mean() * (phases - truth) ** 2).mean()


def distilled(teacher: Network, low: Tensor, phases: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of the squared errors against the truth and against a larger network's result."""
    with torch.no_grad():
        target = teacher.phases(low)
    return (functional.mse_loss(phases, truth) + functional.mse_loss(phases, target)) / 2


def runs(degradation: str) -> dict[str, tuple[Loss, int, int]]:
    """Return the runs by name: loss, patch size and batch size."""
    made: dict[str, tuple[Loss, int, int]] = {
        f"squared error, patches of {PATCH}×{PATCH}, {BATCH} a step": (squared_error, PATCH, BATCH),
    }
    if degradation == "clean":
        teacher = make_network(TEACHER, SCALE)
        start_from(registry.find(TEACHER, SCALE).path, teacher)
        made |= {
            "Charbonnier": (charbonnier, PATCH, BATCH),
            "squared error, weighted by edges": (edge_weighted, PATCH, BATCH),
            f"squared error, half of it against `{TEACHER}`": (partial(distilled, teacher), PATCH, BATCH),
        }
    return made | {
        "squared error, patches of 48×48, 7 a step": (squared_error, 48, 7),
        "squared error, patches of 64×64, 4 a step": (squared_error, 64, 4),
    }


def rows(degradation: str, folders: list[Path], steps: int) -> Iterator[list[str]]:
    """Train and measure every run, and yield its row."""
    settings = Settings(
        scale=SCALE,
        folders=tuple(folders),
        output=Path("unused.onnx"),
        checkpoint=Path("unused.ckpt"),
        degradation=degradation,
    )
    degrades, validate_by = settings.pick_degradation()
    images = load_images(
        folders, SCALE, patch=64, shares=MODERN.shares, degrades=degrades, validate_by=validate_by
    )
    for name, (loss, patch, batch) in runs(degradation).items():
        torch.manual_seed(SEED)
        network = make_network(STUDENT, SCALE)
        patches = RandomPatches(images.pairs, size=patch, batch=batch, seed=SEED)
        train_briefly(network, patches, Cosine(peak=6e-3, warm_up=200), steps=steps, loss=loss)
        upscale = as_upscaler(network)
        psnr = np.mean([min(100.0, score_pair(*pair, SCALE, upscale)) for pair in images.validation])
        yield [degradation, name, f"{psnr:.3f}"]
        print(degradation, name, f"{psnr:.3f}", flush=True)


def main() -> None:
    """Train all, and renew the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", type=int)
    parser.add_argument("data", type=Path, nargs="+", help="folders of images to train on")
    given = parser.parse_args()
    found = [row for kind in ("clean", "video") for row in rows(kind, given.data, given.steps)]
    head = ["sources", f"{STUDENT}, x{SCALE}, {given.steps} steps", "held out, dB"]
    paste(PAGE, {"losses": table(head, found)})


if __name__ == "__main__":
    main()
