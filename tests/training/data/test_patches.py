from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
import torch
from torch.nn import functional

from vs_espcn.training.data.dataset import Pair, make_pairs, to_phases
from vs_espcn.training.data.degradation import bicubic
from vs_espcn.training.data.patches import Batch, GridPatches, Patches, RandomPatches

SCALE = 2


def pair(height: int, width: int, first: int = 0) -> Pair:
    """An image whose high resolution repeats each low-resolution pixel."""
    codes = (first + np.arange(height * width)).reshape(height, width) % 256
    high = codes.repeat(SCALE, 0).repeat(SCALE, 1).astype(np.uint8)
    return Pair(low=codes.astype(np.uint8), phases=to_phases(high, SCALE))


def unshuffle_slowly(image: np.ndarray, scale: int) -> np.ndarray:
    height, width = (side // scale for side in image.shape)
    phases = np.empty((scale * scale, height, width), image.dtype)
    for y, x in np.ndindex(image.shape):
        phases[scale * (y % scale) + x % scale, y // scale, x // scale] = image[y, x]
    return phases


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_phases_match_a_plain_loop(scale: int) -> None:
    image = np.random.default_rng(0).random((scale * 3, scale * 5), np.float32)
    assert np.array_equal(to_phases(image, scale), unshuffle_slowly(image, scale))


def test_the_loss_on_phases_is_the_loss_after_the_shuffle() -> None:
    random = np.random.default_rng(0)
    output = torch.from_numpy(random.random((2, 9, 4, 4), np.float32))
    targets = random.random((2, 12, 12), np.float32)
    rearranged = functional.mse_loss(
        output, torch.from_numpy(np.stack([to_phases(target, 3) for target in targets]))
    )
    shuffled = functional.mse_loss(functional.pixel_shuffle(output, 3)[:, 0], torch.from_numpy(targets))
    torch.testing.assert_close(rearranged, shuffled)


SOURCES: dict[str, Callable[[int], Patches]] = {
    "random": lambda seed: RandomPatches([pair(9, 7), pair(8, 8, 50)], size=4, batch=5, seed=seed),
    "grid": lambda seed: GridPatches([pair(9, 7), pair(8, 8, 50)], size=4, stride=3, batch=5, seed=seed),
}


@pytest.fixture(params=SOURCES, name="source")
def _source(request: pytest.FixtureRequest) -> Callable[[int], Patches]:
    return SOURCES[str(request.param)]


def draws(patches: Patches, count: int) -> list[Batch]:
    return [patches.draw() for _ in range(count)]


def test_both_resolutions_are_cut_and_turned_alike(source: Callable[[int], Patches]) -> None:
    for low, phases in draws(source(0), 20):
        assert low.dtype == phases.dtype == np.float32
        assert low.shape[1:] == (1, 4, 4)
        # every pixel of a cell equals the low-resolution pixel
        np.testing.assert_allclose(phases, low.repeat(SCALE * SCALE, axis=1), rtol=0, atol=1e-7)


def ways(patches: Patches) -> set[tuple[bool, bool, bool]]:
    """In which of the eight ways patches of rising codes were turned."""
    seen = set()
    for low, _ in draws(patches, 60):
        for patch in low[:, 0]:
            down, right = patch[1, 0] - patch[0, 0], patch[0, 1] - patch[0, 0]
            seen.add((bool(down > 0), bool(right > 0), bool(abs(down) > abs(right))))
    return seen


def test_random_patches_come_in_all_eight_ways_and_those_on_a_grid_upright() -> None:
    assert len(ways(SOURCES["random"](0))) == 8
    assert ways(SOURCES["grid"](0)) == {(True, True, True)}


def test_turned_phases_are_the_phases_of_the_turned_image() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (3 * 6, 3 * 6)).astype(np.uint8)
    whole = RandomPatches(make_pairs(luma, 3, [bicubic]), size=6, batch=100, seed=0)
    upright = [turned for flipped in (luma, luma[::-1]) for turned in (flipped, flipped[:, ::-1])]
    expected = {to_phases(each, 3).tobytes() for one in upright for each in (one, one.T)}
    phases = np.rint(whole.draw()[1] * 255).astype(np.uint8)
    assert {each.tobytes() for each in phases} == expected


def test_the_seed_sets_the_order(source: Callable[[int], Patches]) -> None:
    first, same, other = (draws(source(seed), 6) for seed in (1, 1, 2))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, same, strict=True))
    assert not all(
        np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True) if len(a[0]) == len(b[0])
    )


def test_a_restored_source_goes_on_where_it_was(source: Callable[[int], Patches]) -> None:
    unbroken = source(0)
    draws(unbroken, 3)
    resumed = source(7)
    resumed.load_state_dict(unbroken.state_dict())
    for a, b in zip(draws(unbroken, 8), draws(resumed, 8), strict=True):
        assert np.array_equal(a[0], b[0])
        assert np.array_equal(a[1], b[1])


def test_images_smaller_than_a_patch_are_left_out() -> None:
    patches = RandomPatches([pair(3, 50), pair(4, 4, 100)], size=4, batch=20, seed=0)
    assert patches.draw()[0].min() >= np.float32(100 / 255)


def test_every_place_of_an_image_is_drawn_up_to_its_last_row_and_column() -> None:
    low, _ = RandomPatches([pair(6, 5)], size=4, batch=600, seed=0).draw()
    assert set(np.rint(low.min(axis=(1, 2, 3)) * 255).astype(int)) == {0, 1, 5, 6, 10, 11}


def test_an_image_is_drawn_by_its_area_and_by_how_well_bicubic_does() -> None:
    flat = Pair(low=np.full((8, 8), 51, np.uint8), phases=np.full((4, 8, 8), 51, np.uint8))
    large = Pair(low=np.full((16, 8), 102, np.uint8), phases=np.full((4, 16, 8), 102, np.uint8))
    off_by_ten = Pair(low=np.full((8, 8), 153, np.uint8), phases=np.full((4, 8, 8), 163, np.uint8))
    patches = RandomPatches([flat, large, off_by_ten], size=4, batch=6000, seed=0)
    drawn = np.rint(patches.draw()[0][:, 0, 0, 0] * 5).astype(int)
    shares = np.bincount(drawn)[1:] / len(drawn)
    expected = np.array([1 / 20, 2 / 20, 1 / 120])
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=0, atol=0.02)


def test_an_epoch_shows_each_place_once() -> None:
    patches = GridPatches([pair(7, 10)], size=4, stride=3, batch=4, seed=0)
    assert patches.batches_per_epoch == 2  # 2 rows and 3 columns of patches
    corners = [low.min(axis=(1, 2, 3)) for low, _ in islice(iter(patches.draw, None), 2)]
    places = sorted(np.rint(np.concatenate(corners) * 255).astype(int).tolist())
    assert places == [0, 3, 6, 30, 33, 36]
