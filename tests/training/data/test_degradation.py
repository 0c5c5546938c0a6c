"""Degradation against a pixel-by-pixel bicubic written from MATLAB's definition."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vs_espcn.training.data.degradation import blurred, enlarge, resample, rgb_to_luma, round_to_8_bit, shrink


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def slow_resize_line(line: np.ndarray, new_length: int) -> np.ndarray:
    """One line, one output pixel at a time."""
    ratio = new_length / len(line)
    widen = min(ratio, 1.0)
    result = []
    for index in range(new_length):
        centre = (index + 0.5) / ratio - 0.5
        total = weights = 0.0
        for place in range(math.floor(centre - 2 / widen) - 1, math.ceil(centre + 2 / widen) + 2):
            mirrored = place % (2 * len(line))
            value = line[mirrored if mirrored < len(line) else 2 * len(line) - 1 - mirrored]
            weight = cubic((centre - place) * widen)
            total += weight * value
            weights += weight
        result.append(total / weights)
    return np.array(result)


def slow_resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    columns = np.stack([slow_resize_line(line, height) for line in image.T], axis=1)
    return np.stack([slow_resize_line(line, width) for line in columns])


@pytest.fixture
def luma() -> np.ndarray:
    return np.random.default_rng(0).random((12, 24))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrink_and_enlarge_match_a_plain_loop(luma: NDArray[np.float64], scale: int) -> None:
    height, width = luma.shape
    np.testing.assert_allclose(
        shrink(luma, scale), slow_resize(luma, height // scale, width // scale), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        enlarge(luma, scale), slow_resize(luma, height * scale, width * scale), rtol=0, atol=1e-12
    )


def test_resample_takes_any_size(luma: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(resample(luma, (9, 31)), slow_resize(luma, 9, 31), rtol=0, atol=1e-12)


def test_an_image_smaller_than_the_kernel_is_mirrored_more_than_once() -> None:
    tiny = np.array([[0.1, 0.9], [0.4, 0.2]])
    np.testing.assert_allclose(shrink(tiny, 2), slow_resize(tiny, 1, 1), rtol=0, atol=1e-12)


def test_float32_stays_float32(luma: NDArray[np.float64]) -> None:
    single = shrink(luma.astype(np.float32), 2)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, shrink(luma, 2), rtol=0, atol=1e-6)


def test_luma_of_the_corners_of_the_rgb_cube() -> None:
    # what rgb2ycbcr of MATLAB gives for 8-bit images
    colours = {
        (0, 0, 0): 16,
        (255, 255, 255): 235,
        (255, 0, 0): 81,
        (0, 255, 0): 145,
        (0, 0, 255): 41,
        (128, 128, 128): 126,
    }
    rgb = np.array(list(colours), np.uint8)[None]
    assert rgb_to_luma(rgb).tolist() == [list(colours.values())]


def test_rounding_clips_and_takes_halves_up() -> None:
    codes = np.array([[-3.0, 0.5, 1.49, 254.5, 300.0]]) / 255
    assert round_to_8_bit(codes).tolist() == [[0, 1, 1, 255, 255]]


def test_blur_is_a_gaussian_that_keeps_constants() -> None:
    point = np.zeros((31, 31))
    point[15, 15] = 1
    y, x = np.mgrid[-15:16, -15:16]
    gaussian = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    np.testing.assert_allclose(blurred(point, 1.5), gaussian / gaussian.sum(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(blurred(np.full((5, 9), 0.3), 2.0), 0.3)
    assert np.array_equal(blurred(point, 0.0), point)
