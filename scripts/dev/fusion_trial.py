"""Train networks that see several frames, and the single-frame one, alike; write what each reaches.

uv run --group dev --with vapoursynth-mvtools python scripts/dev/fusion_trial.py ../shared/data clean 4 500 3

Arguments: a folder with train_video and video, a source of `fusion_clips.SOURCES`, a scale, steps, and the
frames of a window.
Rows that docs/baselines/fusion.json holds already are kept, so that a stopped trial goes on;
paper_claims.py makes the table.
"""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from fusion_clips import SOURCES, Patches, Source, Windows, read_windows
from fusion_networks import macs_per_sample, make_equal
from torch import nn
from torch.nn import functional

from vs_espcn.errors import InputError
from vs_espcn.training.data.degradation import round_to_8_bit
from vs_espcn.training.data.film import find_clips
from vs_espcn.training.metrics import psnr, shave

RESULTS = Path(__file__).parents[2] / "docs" / "baselines" / "fusion.json"
BUDGET = 19_000
"""Multiply-adds per low-resolution pixel that each network may use, compensation included."""

RATE, WARM_UP, BATCH, PATCH = 2e-3, 50, 8, 24
FRAMES = 7
"""Of each clip."""

CLIPS = (
    "natural_720p_dog.mp4",
    "natural_540p_flower.mp4",
    "natural_1080p60_mural.mp4",
    "cartoon_720p_bbb.mp4",
)
"""What networks are measured on; none of them is trained on."""


@dataclass(frozen=True)
class Variant:
    """A way to use a window.

    Attributes:
        kind: A key of `fusion_networks.KINDS`.
        frames: Frames of the window.
        compensation: What aligns the neighbours: none, mvtools or learned.
    """

    kind: str
    frames: int
    compensation: str


def variants(frames: int) -> Iterator[Variant]:
    """The single frame, then all others with a window of some frames."""
    yield Variant("single", 1, "none")
    for compensation in ("none", "mvtools", "learned"):
        for kind in ("early", "slow", "3d"):
            yield Variant(kind, frames, compensation)


def train(network: nn.Module, patches: Patches, steps: int) -> None:
    """Train with Adam on the mean squared error; the rate falls as a cosine."""
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    for step in range(steps):
        rate = RATE * min(1.0, (step + 1) / WARM_UP) * (1 + math.cos(math.pi * step / steps)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        low, high = (torch.from_numpy(array) for array in patches.draw())
        loss = functional.mse_loss(network(low), high)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def mean_psnr(network: nn.Module, clip: Windows, scale: int) -> float:
    """Mean PSNR over a clip's frames, rounded to 8 bits, without a border of `scale` pixels."""
    scores = []
    for window, truth in zip(clip.low, clip.high, strict=True):
        upscaled = network(torch.from_numpy(window[None].astype(np.float32) / 255))[0, 0].numpy()
        scores.append(psnr(shave(round_to_8_bit(upscaled), scale), shave(truth, scale)))
    return float(np.mean(scores))


def trial(variant: Variant, source: Source, scale: int, steps: int, data: Path) -> dict[str, object]:
    """Train one network and measure it."""
    aligned = variant.compensation == "mvtools"
    reach = variant.frames // 2

    def windows(paths: Sequence[Path], *, least: int = 0) -> dict[str, Windows]:
        read = {}
        for path in paths:
            try:
                made = read_windows(path, source, scale=scale, count=FRAMES, reach=reach, align=aligned)
            except InputError as error:
                sys.stderr.write(f"skipped: {error}\n")
                continue
            if min(made.low.shape[2:]) >= least:
                read[path.name] = made
        return read

    training = list(windows(find_clips([data / "train_video"]), least=PATCH).values())
    network = make_equal(
        variant.kind,
        frames=variant.frames,
        scale=scale,
        learned=variant.compensation == "learned",
        budget=BUDGET,
    )
    started = time.perf_counter()
    train(network, Patches(training, size=PATCH, batch=BATCH), steps)
    hours = (time.perf_counter() - started) / 3600
    measured = windows([path for name in CLIPS if (path := data / "video" / name).is_file()])
    return {
        **asdict(variant),
        "source": source.name,
        "scale": scale,
        "steps": steps,
        "hours": round(hours, 4),
        "macs": round(macs_per_sample(network, variant.frames)),
        "psnr": {name: round(mean_psnr(network, clip, scale), 3) for name, clip in measured.items()},
    }


def main(data: Path, source: Source, scale: int, steps: int, frames: int) -> None:
    """Add the rows that are missing."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    for variant in variants(frames):
        key = {**asdict(variant), "source": source.name, "scale": scale, "steps": steps}
        if any(key.items() <= row.items() for row in rows):
            continue
        rows.append(trial(variant, source, scale, steps, data))
        sys.stderr.write(f"{rows[-1]}\n")
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[2] not in SOURCES:
        sys.exit(f"usage: fusion_trial.py DATA {'|'.join(SOURCES)} SCALE STEPS FRAMES")
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), SOURCES[sys.argv[2]], *(int(number) for number in sys.argv[3:]))
