from pathlib import Path

import numpy as np
import pytest

from vs_espcn.errors import InputError
from vs_espcn.training.data.dataset import (
    hold_out,
    make_pairs,
    reduced,
    to_phases,
)
from vs_espcn.training.data.degradation import bicubic, reduced_by, resample, round_to_8_bit, shrink
from vs_espcn.training.data.kernels import KERNELS


def test_the_split_depends_on_names_alone() -> None:
    paths = [Path(f"/a/set/{index}.png") for index in range(60)]
    training, validation = hold_out(paths)
    assert len(validation) == 3
    assert sorted(training + validation) == sorted(paths)
    moved = [Path("/b/set") / path.name for path in reversed(paths)]
    assert [path.name for path in hold_out(moved)[1]] == [path.name for path in validation]


def test_one_image_cannot_be_split() -> None:
    with pytest.raises(InputError, match="two or more"):
        hold_out([Path("a.png")])


def test_a_reduced_image_is_rounded_and_the_full_one_is_left_alone() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (10, 13)).astype(np.uint8)
    assert reduced(luma, 1.0) is luma
    half = reduced(luma, 0.5)
    assert half.dtype == np.uint8
    assert half.shape == (5, 6)
    np.testing.assert_allclose(half / 255, resample(luma / 255, (5, 6)), rtol=0, atol=0.51 / 255)


def test_a_pair_is_cropped_and_reduced_to_8_bit() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (13, 17)).astype(np.uint8)
    (pair,) = make_pairs(luma, 4, [bicubic])
    assert np.array_equal(pair.phases, to_phases(luma[:12, :16], 4))
    assert np.array_equal(pair.low, round_to_8_bit(shrink(luma[:12, :16] / 255, 4)))


def test_pairs_of_one_original_share_it_in_memory() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (12, 16)).astype(np.uint8)
    box, cubic = make_pairs(luma, 2, [reduced_by(KERNELS["box"]), bicubic])
    assert box.phases is cubic.phases
    assert not np.array_equal(box.low, cubic.low)
