"""The yardstick of the literature: PSNR on luma, and the crops that go with it."""

import math

import numpy as np
from numpy.typing import NDArray


def psnr(result: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of 8-bit luma, in dB.

    Args:
        result: uint8 (H, W).
        truth: uint8 (H, W).

    Returns:
        10·log10(255² / mean squared error); infinity where the images are equal.
    """
    error = result.astype(np.float64) - truth.astype(np.float64)
    mean_squared = float(np.mean(error**2))
    return math.inf if mean_squared == 0 else 10 * math.log10(255**2 / mean_squared)


def mod_crop[T: np.generic](image: NDArray[T], scale: int) -> NDArray[T]:
    """Drop the last rows and columns, so that both sides divide by ``scale``.

    Args:
        image: (H, W).
        scale: Integer scale.

    Returns:
        A view (H − H mod scale, W − W mod scale).
    """
    height, width = image.shape
    return image[: height - height % scale, : width - width % scale]


def shave[T: np.generic](image: NDArray[T], border: int) -> NDArray[T]:
    """Cut ``border`` pixels from each side.

    Args:
        image: (H, W), both sides longer than twice ``border``.
        border: Pixels to cut, at least 1.

    Returns:
        A view (H − 2·border, W − 2·border).
    """
    return image[border:-border, border:-border]
