import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vs_espcn.networks import registry
from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch
from vs_espcn.runtime.precision import resolved_backend
from vs_espcn.runtime.tiles import automatic_tile, tile_for
from vs_espcn.runtime.tiling import Tiling, scaled, whole, windows


@given(length=st.integers(1, 300), tile=st.integers(9, 80), radius=st.integers(0, 4))
def test_kept_parts_meet_and_have_their_neighbourhood(length: int, tile: int, radius: int) -> None:
    tile = min(tile, length)
    covered = windows(length, tile, radius)
    position = 0
    for window in covered:
        assert window.stop - window.start == tile
        assert window.kept_start == position < window.kept_stop
        assert window.start <= max(0, window.kept_start - radius)
        assert window.stop >= min(length, window.kept_stop + radius)
        assert window.start >= 0
        assert window.stop <= length
        position = window.kept_stop
    assert position == length


@given(
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    samples=st.integers(1000, 5_000_000),
    radius=st.integers(0, 40),
)
def test_automatic_tiles_keep_to_the_budget(width: int, height: int, samples: int, radius: int) -> None:
    tile = automatic_tile(width, height, samples=samples, radius=radius)
    assert 1 <= tile[0] <= width
    assert 1 <= tile[1] <= height
    least = max(64, 4 * radius + 1)
    assert tile[0] * tile[1] <= samples or tile[0] <= 2 * least or tile[1] <= least
    if width * height <= samples:
        assert tile == (width, height)
    for length, side in zip((width, height), tile, strict=True):
        covered = windows(length, side, radius)
        # Without waste: one row or column less per tile would take one tile more.
        assert len(covered) == 1 or (side - 1 - 2 * radius) * len(covered) + 2 * radius < length


@pytest.mark.parametrize(
    ("backend", "depth", "size", "tile"),
    [
        (OpenVINO(), 8, (1920, 1080), (1920, 544)),
        (OpenVINO(), 8, (960, 540), (960, 540)),
        (TensorRT(), 8, (960, 540), (960, 540)),
        (TensorRT(), 8, (1920, 1080), (1920, 276)),
        (TensorRT(), 16, (960, 540), (960, 274)),  # in fp32
        (Torch(precision="fp32"), 8, (960, 540), (960, 274)),
    ],
)
def test_tiles_of_the_usual_sizes(
    backend: Backend, depth: int, size: tuple[int, int], tile: tuple[int, int]
) -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    assert tile_for(resolved_backend(backend, network, depth), network, size, lanes=2) == tile


def spread(plane: np.ndarray) -> np.ndarray:
    """Sums of each sample's neighbourhood of radius 2, zeros outside, at a scale of 2."""
    padded = np.pad(plane.astype(np.int64), 2)
    rows = sum(np.roll(padded, shift, 0) for shift in range(-2, 3))
    sums = sum(np.roll(rows, shift, 1) for shift in range(-2, 3))[2:-2, 2:-2]
    return sums.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize("tile", [(5, 5), (9, 7), (16, 40), (37, 6), (37, 41)])
def test_tiles_leave_no_seams(tile: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).integers(0, 255, (41, 37))
    tiled = np.full((82, 74), -1)
    tiling = Tiling(size=(37, 41), tile=tile, radius=2)
    for each in tiling.tiles:
        assert plane[each.source].shape == tile[::-1]
        assert (tiled[scaled(each.placed, 2)] == -1).all()
        tiled[scaled(each.placed, 2)] = spread(plane[each.source])[scaled(each.kept, 2)]
    assert np.array_equal(tiled, spread(plane))


def test_the_log_names_tiles_only_where_there_are_any() -> None:
    assert str(whole(37, 41)) == ""
    assert str(Tiling(size=(37, 41), tile=(37, 21), radius=2)) == ", 3 tiles of 37x21"
