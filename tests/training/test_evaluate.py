"""The protocol, checked against the bicubic figures that the literature prints."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vs_espcn.evaluation.images import read_measured_luma
from vs_espcn.training.data.degradation import bicubic, enlarge
from vs_espcn.training.data.image_files import find_images
from vs_espcn.training.evaluate import as_upscaler, score_pair
from vs_espcn.training.networks.layers import Espcn

EVAL = Path(__file__).parents[3] / "shared" / "data" / "eval"

needs_images = pytest.mark.skipif(not EVAL.is_dir(), reason="../shared/data/eval is absent (Set5 and Set14)")


@needs_images
@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("Set5", 2, 33.65),
        ("Set5", 3, 30.39),
        ("Set5", 4, 28.42),
        ("Set14", 2, 30.23),
        ("Set14", 3, 27.54),
        ("Set14", 4, 26.00),
    ],
)
def test_bicubic_scores_what_the_literature_prints(name: str, scale: int, published: float) -> None:
    pairs = [bicubic(read_measured_luma(path), scale) for path in find_images([EVAL / name])]
    scores = [score_pair(*pair, scale, lambda low: enlarge(low.astype(np.float64), scale)) for pair in pairs]
    assert np.mean(scores) == pytest.approx(published, abs=0.02)


def test_the_low_resolution_image_is_8_bit_and_the_border_does_not_count() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (26, 25)).astype(np.uint8)
    seen = []

    def upscale(low: NDArray[np.float32]) -> NDArray[np.floating]:
        seen.append(low * 255)
        result = luma[:24, :24] / 255
        result[:3], result[:, -3:] = 0, 1
        return result

    assert score_pair(*bicubic(luma, 3), 3, upscale) == np.inf
    np.testing.assert_allclose(seen[0], np.rint(seen[0]), rtol=0, atol=1e-4)
    assert seen[0].shape == (8, 8)


def test_a_network_upscales_arrays() -> None:
    network = Espcn(2)
    low = np.random.default_rng(0).random((5, 6), np.float32)
    result = as_upscaler(network)(low)
    assert result.dtype == np.float32
    np.testing.assert_allclose(
        result, network(torch.from_numpy(low)[None, None]).detach()[0, 0], rtol=0, atol=1e-6
    )
