"""Convert images to luma, and luma to the low resolution that a network learns from.

The literature measures with MATLAB, so both steps follow it: luma as in
``rgb2ycbcr``, resizing as in ``imresize(..., 'bicubic')``. A resize is two
matrix products, one per axis; the matrices hold the kernel, its antialiasing
and the mirrored borders.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vs_espcn.training.data.kernels import KERNELS, Kernel, from_light, to_light
from vs_espcn.training.metrics import mod_crop

Degrade = Callable[[NDArray[np.uint8], int], tuple[NDArray[np.uint8], NDArray[np.uint8]]]
"""Function from luma (H, W) and a scale to the luma, cropped, and its low resolution, all uint8."""

_BLOCK = 32  # rows per product; about half of its weights are then zeros
_BT601 = np.array([65.481, 128.553, 24.966]) / 255


def rgb_to_luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert an 8-bit RGB image to BT.601 limited-range luma.

    Args:
        rgb: uint8 (H, W, 3), 0..255.

    Returns:
        uint8 (H, W), 16..235.
    """
    return round_to_8_bit((16 + rgb @ _BT601) / 255)


def round_to_8_bit(luma: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round luma to 8-bit codes, halves up as MATLAB does.

    Args:
        luma: float (H, W), code / 255; values outside 0..1 are clipped.

    Returns:
        uint8 (H, W), 0..255.
    """
    rounded: NDArray[np.uint8] = (np.clip(luma * 255.0, 0, 255) + 0.5).astype(np.uint8)
    return rounded


def reduced_by(kernel: Kernel) -> Degrade:
    """Return the degradation by one kernel: crop to a multiple of the scale, reduce, round to 8 bits."""

    def degrade(luma: NDArray[np.uint8], scale: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        high = mod_crop(luma, scale)
        return high, round_to_8_bit(shrink(high.astype(np.float32) / 255, scale, kernel))

    return degrade


def blurred(luma: NDArray[np.floating], sigma: float) -> NDArray[np.floating]:
    """Blur an image with a Gaussian; edge pixels are repeated beyond the border.

    Args:
        luma: float (H, W).
        sigma: σ in pixels; 0 changes nothing.

    Returns:
        float (H, W), of the dtype of ``luma``.
    """
    reach = math.ceil(3 * sigma)
    if reach == 0:
        return luma
    taps = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2).astype(luma.dtype)
    taps /= taps.sum()
    for _ in range(2):  # down the columns, then, transposed, along the rows
        padded = np.pad(luma, ((reach, reach), (0, 0)), "edge")
        luma = sum(tap * padded[first : first + len(luma)] for first, tap in enumerate(taps)).T
    return luma


def shrink(
    luma: NDArray[np.floating], scale: int, kernel: Kernel = KERNELS["bicubic"]
) -> NDArray[np.floating]:
    """Reduce an image by an integer scale, with antialiasing.

    Args:
        luma: float (H, W), code / 255; H and W are multiples of ``scale``.
        scale: How many times smaller the result is.
        kernel: The kernel that weights the samples.

    Returns:
        float (H / scale, W / scale), of the dtype of ``luma``; may overshoot its range.
    """
    height, width = (side // scale for side in luma.shape)
    if kernel.linear:
        return from_light(_resize(to_light(luma), height, width, kernel)).astype(luma.dtype)
    return _resize(luma, height, width, kernel)


def enlarge(luma: NDArray[np.floating], scale: int) -> NDArray[np.floating]:
    """Enlarge an image by an integer scale with bicubic.

    Args:
        luma: float (H, W).
        scale: How many times larger the result is.

    Returns:
        float (scale·H, scale·W), of the dtype of ``luma``; may overshoot its range.
    """
    height, width = luma.shape
    return _resize(luma, height * scale, width * scale)


def resample(luma: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.floating]:
    """Resize an image to any size with bicubic, antialiased on axes that shrink.

    Args:
        luma: float (H, W).
        size: (height, width) of the result.

    Returns:
        float ``size``, of the dtype of ``luma``; may overshoot its range.
    """
    return _resize(luma, *size)


def _resize(
    luma: NDArray[np.floating], height: int, width: int, kernel: Kernel = KERNELS["bicubic"]
) -> NDArray[np.floating]:
    columns = _resize_axis(np.ascontiguousarray(luma.T), width, kernel)
    return _resize_axis(np.ascontiguousarray(columns.T), height, kernel)


def _resize_axis(luma: NDArray[np.floating], length: int, kernel: Kernel) -> NDArray[np.floating]:
    """Resize the first axis to a new length, a block of rows at a time."""
    resized = np.empty((length, luma.shape[1]), luma.dtype)
    for target, source, weights in _resize_blocks(len(luma), length, luma.dtype, kernel):
        np.matmul(weights, luma[source], out=resized[target])
    return resized


@lru_cache(maxsize=256)
def _resize_blocks(
    length: int, new_length: int, dtype: np.dtype[np.floating], kernel: Kernel
) -> list[tuple[slice, slice, NDArray[np.floating]]]:
    """Return blocks of the matrix's band: rows of the result, rows of the source that they need, weights."""
    matrix = _resize_matrix(length, new_length, kernel).astype(dtype)
    blocks = []
    for start in range(0, new_length, _BLOCK):
        rows = matrix[start : start + _BLOCK]
        used = np.flatnonzero(rows.any(axis=0))
        source = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append((slice(start, start + len(rows)), source, np.ascontiguousarray(rows[:, source])))
    return blocks


def _resize_matrix(length: int, new_length: int, kernel: Kernel = KERNELS["bicubic"]) -> NDArray[np.float64]:
    """Return the weights (new_length, length) that resize one axis."""
    step = length / new_length
    stretch = max(step, 1.0)  # antialiasing: the kernel grows with the reduction
    centres = (np.arange(new_length) + 0.5) * step - 0.5
    reach = kernel.reach * stretch
    first = np.floor(centres - reach).astype(int)
    taps = first[:, None] + np.arange(int(np.ceil(2 * reach)) + 2)  # (new_length, taps)
    distances = np.asarray((centres[:, None] - taps) / stretch, np.float64)
    weights = np.where(np.abs(distances) <= kernel.reach, kernel.weigh(distances), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    around = taps % (2 * length)  # MATLAB mirrors at the borders and repeats the edge pixel
    inside = np.where(around < length, around, 2 * length - 1 - around)
    matrix = np.zeros((new_length, length))
    np.add.at(matrix, (np.arange(new_length)[:, None], inside), weights)
    return matrix


bicubic = reduced_by(KERNELS["bicubic"])
"""The degradation of the literature."""
