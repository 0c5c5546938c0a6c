"""The networks of several frames that scripts/dev/fusion_trial.py compares."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tests.media import video

Script = Callable[[str], ModuleType]

KINDS = ("single", "early", "slow", "3d")


def moving(count: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A pattern that moves two pixels to the left with each frame."""
    base = np.random.default_rng(0).integers(40, 200, (height // 4, (width + 4 * count) // 4))
    wide = np.kron(base, np.ones((4, 4))).astype(np.uint8)
    return np.stack([wide[:, 2 * number : 2 * number + width] for number in range(count)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [3, 5])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("learned", [False, True])
def test_the_middle_frame_is_upscaled_for_equal_operations(
    kind: str, frames: int, scale: int, learned: bool, script: Script
) -> None:
    networks = script("fusion_networks")
    budget = 19_000
    network = networks.make_equal(kind, frames=frames, scale=scale, learned=learned, budget=budget)
    assert networks.macs_per_sample(network, frames) == pytest.approx(budget, rel=0.06)
    assert network(torch.rand(2, frames, 9, 14)).shape == (2, 1, 9 * scale, 14 * scale)


@pytest.mark.parametrize(("kind", "sees"), [("single", False), ("early", True), ("slow", True), ("3d", True)])
def test_all_but_the_single_frame_see_the_neighbours(kind: str, sees: bool, script: Script) -> None:
    network = script("fusion_networks").Fusion(kind, frames=5, scale=2, channels=8)
    window = torch.rand(1, 5, 8, 8)
    for place in (0, 4):
        other = window.clone()
        other[:, place] = torch.rand(8, 8)
        assert bool((network(other) != network(window)).any()) is sees


def test_slow_fusion_has_weights_for_each_pair_and_3d_shares_them(script: Script) -> None:
    fusion = script("fusion_networks").Fusion
    slow, shared = (fusion(kind, frames=3, scale=2, channels=8) for kind in ("slow", "3d"))
    assert [len(layer) for layer in slow.layers] == [2, 1, 1, 1, 1]
    assert [len(layer) for layer in shared.layers] == [1, 1, 1, 1, 1]
    window = torch.rand(1, 3, 8, 8)
    kernel, bias = shared.layers[0][0].weight, shared.layers[0][0].bias
    as_3d = functional.conv3d(window[:, None], kernel[:, None], bias)
    assert as_3d.shape[2] == 2
    both = torch.cat([window[:, :2], window[:, 1:]])
    by_pairs = functional.conv2d(both, kernel, bias)
    torch.testing.assert_close(as_3d[0].transpose(0, 1), by_pairs)


def test_a_warp_moves_by_the_flow(script: Script) -> None:
    image = torch.rand(1, 1, 6, 9)
    flow = torch.zeros(1, 2, 6, 9)
    flow[:, 0], flow[:, 1] = 2, -1
    moved = script("fusion_networks").warp(image, flow)
    torch.testing.assert_close(moved[..., 1:, :-2], image[..., :-1, 2:])


def test_a_window_repeats_the_last_frame_at_ends(script: Script) -> None:
    chosen = script("fusion_clips").neighbours(moving(4), 2)
    assert chosen.tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]


@pytest.mark.parametrize("count", [1, 2])
def test_a_clip_may_be_shorter_than_the_window(count: int, script: Script) -> None:
    clips = script("fusion_clips")
    frames = moving(count)
    chosen = clips.neighbours(frames, 2)
    assert chosen.shape == (count, 5)
    assert set(chosen.flat) <= set(range(count))
    if count == 1:
        assert chosen.tolist() == [[0] * 5]


def test_a_file_shorter_than_the_window_gives_a_window_for_each_frame(tmp_path: Path, script: Script) -> None:
    clips = script("fusion_clips")
    path = video(tmp_path / "short.mp4", frames=2, size="128x96")
    windows = clips.read_windows(path, clips.SOURCES["coded"], scale=2, count=7, reach=2, align=False)
    assert windows.low.shape == (2, 5, 24, 32)
    assert windows.high.shape == (2, 48, 64)
    low, high = clips.Patches([windows], size=8, batch=3).draw()
    assert (low.shape, high.shape) == ((3, 5, 8, 8), (3, 1, 16, 16))


def test_a_window_never_crosses_a_cut(script: Script) -> None:
    dark, bright = moving(3) // 4, 200 + moving(2) // 8
    chosen = script("fusion_clips").neighbours(np.concatenate([dark, bright]).astype(np.uint8), 2)
    assert chosen.tolist() == [
        [0, 0, 0, 1, 2],
        [0, 0, 1, 2, 2],
        [0, 1, 2, 2, 2],
        [3, 3, 3, 4, 4],
        [3, 3, 4, 4, 4],
    ]


def test_mvtools_moves_neighbours_onto_the_middle(script: Script) -> None:
    clips = script("fusion_clips")
    if not hasattr(clips.vs.core, "mv"):
        pytest.skip("VapourSynth has no plugin 'mv'; install vapoursynth-mvtools")
    frames = moving(5, 64, 96)
    chosen = clips.neighbours(frames, 1)
    aligned = clips.align_windows(frames, chosen).astype(int)
    inner = (slice(1, -1), slice(16, -16), slice(16, -16))
    for place in (0, 2):
        before = np.abs(frames[chosen[:, place]].astype(int) - frames)[inner].mean()
        after = np.abs(aligned[:, place] - frames)[inner].mean()
        assert after < before / 4
    np.testing.assert_array_equal(aligned[:, 1], frames)
