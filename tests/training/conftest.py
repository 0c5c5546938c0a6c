"""Small images on disk, cheap to make and never the same twice in one folder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests run beside other work: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(seed: int, height: int = 100, width: int = 108) -> np.ndarray:
    """A smooth RGB image with a few edges, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 24.0
    a, b, c = random.uniform(0.5, 3, 3)
    waves = np.sin(a * x + b * y) + (np.cos(b * x - c * y) > 0)
    levels = 90 + 50 * waves[..., None] * random.uniform(0.5, 1, 3)
    return np.clip(levels, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six RGB images of 108x100."""
    folder = tmp_path_factory.mktemp("images")
    for seed in range(6):
        Image.fromarray(picture(seed)).save(folder / f"{seed}.png")
    return folder
