"""Pictures and clips that these tests measure."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(seed: int = 0, height: int = 50, width: int = 62) -> NDArray[np.uint8]:
    """A smooth RGB image with a few edges, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 12.0
    a, b, c = random.uniform(0.5, 3, 3)
    waves = np.sin(a * x + b * y) + (np.cos(b * x - c * y) > 0)
    levels = 90 + 50 * waves[..., None] * random.uniform(0.5, 1, 3)
    return np.clip(levels, 0, 255).astype(np.uint8)


def folder_of(path: Path, count: int = 2) -> Path:
    """A folder with a few images in colour."""
    path.mkdir()
    for seed in range(count):
        Image.fromarray(picture(seed)).save(path / f"{seed}.png")
    return path
