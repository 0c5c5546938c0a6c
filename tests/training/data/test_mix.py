import numpy as np
import pytest

from vs_espcn.training.data.degradation import bicubic, reduced_by
from vs_espcn.training.data.kernels import COMMON, KERNELS
from vs_espcn.training.data.mix import TRAINING, VALIDATION, Treated, draw_reduction


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(16, 236, (49, 61)).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_variant_shows_the_same_original_in_another_way(scale: int) -> None:
    made = [degrade(picture(), scale) for degrade in TRAINING]
    for high, low in made:
        assert np.array_equal(high, made[0][0])
        assert high.shape == tuple(scale * side for side in low.shape)
    assert len({low.tobytes() for _, low in made}) == len(TRAINING) == len(KERNELS) + 2


def test_the_images_held_out_are_reduced_by_the_kernels_that_networks_are_judged_by() -> None:
    for name, degrade in zip(COMMON, VALIDATION, strict=True):
        expected = reduced_by(KERNELS[name])(picture(), 2)[1]
        assert np.array_equal(degrade(picture(), 2)[1], expected)


def test_the_bicubic_of_the_literature_has_a_name_of_its_own() -> None:
    assert np.array_equal(bicubic(picture(), 2)[1], reduced_by(KERNELS["bicubic"])(picture(), 2)[1])


def test_a_treated_image_is_the_same_each_time_and_differs_by_number() -> None:
    first, again, other = (Treated(number)(picture(), 2)[1] for number in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_blur_takes_detail_away_and_ringing_adds_some() -> None:
    luma = np.random.default_rng(3).random((48, 48))
    spreads = []
    for seed in range(40):
        plain, treated = (
            draw_reduction(luma, 2, np.random.default_rng(seed), treated=treated) for treated in (False, True)
        )
        spreads.append(float(treated.std() / plain.std()))
    assert 8 < sum(spread < 1 for spread in spreads) < 32
    assert max(spreads) > 1.03
    assert min(spreads) < 0.97
