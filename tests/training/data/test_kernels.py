"""Kernels beside zimg and Pillow, which have their own tables of them."""

import math

import numpy as np
import pytest
import vapoursynth as vs
from numpy.typing import NDArray
from PIL import Image

from tests.clips import clip_of, samples
from vs_espcn.training.data.degradation import shrink
from vs_espcn.training.data.kernels import COMMON, KERNELS, cubic, from_light, to_light

ZIMG = {
    "bilinear": ("Bilinear", {}),
    "mitchell": ("Bicubic", {"filter_param_a": 1 / 3, "filter_param_b": 1 / 3}),
    "bicubic": ("Bicubic", {"filter_param_a": 0.0, "filter_param_b": 0.5}),
    "bicubic-sharp": ("Bicubic", {"filter_param_a": 0.0, "filter_param_b": 0.75}),
    "spline36": ("Spline36", {}),
    "lanczos": ("Lanczos", {"filter_param_a": 3}),
}
BORDER = 4  # zimg may mirror at other places than MATLAB does


@pytest.fixture
def luma() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((60, 72)).astype(np.float32)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ZIMG)
def test_kernels_are_zimgs(name: str, scale: int, luma: NDArray[np.float32]) -> None:
    function, options = ZIMG[name]
    height, width = (side // scale for side in luma.shape)
    resize = getattr(vs.core.resize, function)
    theirs = samples(resize(clip_of(luma, vs.GRAYS), width=width, height=height, **options))
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    np.testing.assert_allclose(shrink(luma, scale, KERNELS[name])[inner], theirs[inner], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_box_is_pillows_and_the_mean_of_a_cell(scale: int, luma: NDArray[np.float32]) -> None:
    height, width = (side // scale for side in luma.shape)
    theirs = np.asarray(Image.fromarray(luma).resize((width, height), Image.Resampling.BOX))
    ours = shrink(luma, scale, KERNELS["box"])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    cells = luma.reshape(height, scale, width, scale)
    np.testing.assert_allclose(ours, cells.mean((1, 3)), rtol=0, atol=1e-6)


def test_box_in_linear_light_is_the_mean_of_light() -> None:
    black, white = 16 / 255, 235 / 255
    checks = np.tile([[black, white], [white, black]], (3, 4))
    result = shrink(checks, 2, KERNELS["box-linear"])
    np.testing.assert_allclose(result * 255, 16 + 219 * 0.5 ** (1 / 2.2), rtol=0, atol=1e-9)
    codes = np.arange(16, 236) / 255
    np.testing.assert_allclose(from_light(to_light(codes)), codes, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "sigma"), [("gauss-sharp", 0.35), ("gauss-soft", 0.55)])
def test_gaussians_match_a_plain_sum(name: str, sigma: float) -> None:
    line = np.random.default_rng(1).random(40)
    picture = np.repeat(line[None], 12, 0)
    scale, at = 2, 10
    centre = (at + 0.5) * scale - 0.5
    weights = [math.exp(-(((place - centre) / scale / sigma) ** 2) / 2) for place in range(40)]
    reach = KERNELS[name].reach * scale
    weights = [w if abs(place - centre) <= reach else 0 for place, w in enumerate(weights)]
    expected = np.dot(weights, line) / sum(weights)
    assert shrink(picture, scale, KERNELS[name])[3, at] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_keep_a_flat_picture_and_its_centre(name: str, scale: int) -> None:
    flat = np.full((48, 48), 100 / 255)
    np.testing.assert_allclose(shrink(flat, scale, KERNELS[name]), 100 / 255, rtol=0, atol=1e-12)
    kernel = KERNELS[name]
    beyond = np.array([kernel.reach + 0.01, -kernel.reach - 0.01])
    if not name.startswith("gauss"):  # these are cut off
        np.testing.assert_allclose(kernel.weigh(beyond), 0, rtol=0, atol=1e-12)
    around = np.linspace(0.01, kernel.reach, 50)
    np.testing.assert_allclose(kernel.weigh(around), kernel.weigh(-around), rtol=0, atol=1e-12)


def test_the_usual_cubic_is_keys() -> None:
    x = np.linspace(-2.2, 2.2, 89)
    near, far = 1.5 * abs(x) ** 3 - 2.5 * x**2 + 1, -0.5 * abs(x) ** 3 + 2.5 * x**2 - 4 * abs(x) + 2
    keys = np.where(abs(x) <= 1, near, np.where(abs(x) <= 2, far, 0))
    np.testing.assert_allclose(cubic(x), keys, rtol=0, atol=1e-12)


def test_networks_are_judged_by_kernels_that_there_are() -> None:
    assert set(COMMON) <= set(KERNELS)
