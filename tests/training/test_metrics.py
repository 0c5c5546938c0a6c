import math

import numpy as np
import pytest

from vs_espcn.training.metrics import mod_crop, psnr, shave, ssim


def test_psnr_of_a_known_error() -> None:
    truth = np.full((4, 4), 100, np.uint8)
    result = truth.copy()
    result[0, 0] = 104  # mean squared error 16 / 16 = 1
    assert psnr(result, truth) == pytest.approx(48.1308, abs=1e-4)


def test_psnr_does_not_wrap_around() -> None:
    assert psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) == 0


def test_equal_images_have_infinite_psnr() -> None:
    image = np.zeros((2, 2), np.uint8)
    assert psnr(image, image) == math.inf


def test_mod_crop_drops_the_last_rows_and_columns() -> None:
    image = np.arange(7 * 8).reshape(7, 8)
    assert np.array_equal(mod_crop(image, 3), image[:6, :6])
    assert np.array_equal(mod_crop(image, 1), image)


def test_shave_cuts_every_side() -> None:
    image = np.arange(6 * 7).reshape(6, 7)
    assert np.array_equal(shave(image, 2), image[2:4, 2:5])


def slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """The definition, window by window."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = (image[row : row + 11, column : column + 11].astype(float) for image in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a, variance_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            values.append(
                (2 * mean_a * mean_b + 6.5025) * (2 * covariance + 58.5225)
                / ((mean_a**2 + mean_b**2 + 6.5025) * (variance_a + variance_b + 58.5225))
            )  # fmt: skip
    return float(np.mean(values))


def test_ssim_is_its_definition() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (30, 24)).astype(np.uint8)
    for strength in (0, 4, 60):
        noise = random.normal(0, strength, truth.shape)
        result = np.clip(truth + noise, 0, 255).astype(np.uint8)
        assert ssim(result, truth) == pytest.approx(slow_ssim(result, truth), abs=1e-9)


def test_ssim_at_its_ends() -> None:
    black, white = np.zeros((11, 11), np.uint8), np.full((11, 11), 255, np.uint8)
    assert ssim(white, white) == pytest.approx(1)
    assert ssim(black, white) == pytest.approx(6.5025 / (255**2 + 6.5025))
