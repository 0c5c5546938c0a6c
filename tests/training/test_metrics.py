import math

import numpy as np
import pytest

from vs_espcn.training.metrics import mod_crop, psnr, shave


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
