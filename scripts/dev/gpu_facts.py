"""Helpers of the parts of a GPU check: reported facts and test frames."""

import json
import os

import numpy as np

from vs_espcn.networks import graph

QUICK = bool(os.environ.get("GPU_CHECK_QUICK"))  # fewer frames, for a double of the driver
FRAMES = 40 if QUICK else 10_000
LONG_RUN = 20 if QUICK else 2_000
WIDTH, HEIGHT = (48, 40) if QUICK else (960, 540)


def tell(what: str, **facts: object) -> None:
    print(json.dumps({"what": what} | facts), flush=True)


def tell_not_run(what: str, why: object) -> None:
    """Tell what could not be shown."""
    tell(what, not_run=str(why))


def demand(holds: bool, what: str, **facts: object) -> None:
    """Report a fact that must hold."""
    tell(what, ok=holds, **facts)
    if not holds:
        Outcome.failures += 1


class Outcome:
    """Of this process."""

    failures = 0


def noise(seed: int, sample: graph.SampleFormat = graph.UINT8) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, int(sample.peak) + 1, (HEIGHT, WIDTH))
    return values.astype(sample.dtype)
