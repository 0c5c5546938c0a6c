"""Compute the metrics of the literature: PSNR and SSIM on luma, and their crops."""

import math

import numpy as np
from numpy.typing import NDArray

SSIM_WINDOW = 11
"""Height and width of SSIM's window, the smallest size of an image that has an SSIM."""

_SSIM_SIGMA = 1.5
_SSIM_C1, _SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(result: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of 8-bit luma, in dB.

    Args:
        result: uint8 (H, W).
        truth: uint8 (H, W).

    Returns:
        10·log10(255² / mean squared error); infinity if the images are equal.
    """
    error = result.astype(np.float64) - truth.astype(np.float64)
    mean_squared = float(np.mean(error**2))
    return math.inf if mean_squared == 0 else 10 * math.log10(255**2 / mean_squared)


def ssim(result: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the mean structural similarity of 8-bit luma.

    As in the reference implementation, ``ssim.m`` of Wang, Bovik, Sheikh and
    Simoncelli (IEEE TIP 2004): a Gaussian window of 11×11 with σ = 1.5, never
    beyond the border, K1 = 0.01, K2 = 0.03.

    Args:
        result: uint8 (H, W), at least 11×11.
        truth: uint8 (H, W).

    Returns:
        At most 1, the value of equal images.
    """
    x, y = result.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = _windowed(x * x) - mean_x**2
    variance_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return float(np.mean(luminance * structure))


def _windowed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Gaussian means, float64 (H, W) → (H − 10, W − 10)."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    taps = np.exp(-(offsets**2) / (2 * _SSIM_SIGMA**2))
    taps /= taps.sum()
    for _ in range(2):  # down the columns, then, transposed, along the rows
        length = len(image) - SSIM_WINDOW + 1
        total, term = np.zeros_like(image[:length]), np.empty_like(image[:length])
        for first, tap in enumerate(taps):
            total += np.multiply(image[first : first + length], tap, out=term)
        image = total.T
    return image


def mod_crop[T: np.generic](image: NDArray[T], scale: int) -> NDArray[T]:
    """Drop the last rows and columns, so that ``scale`` divides both sides.

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
