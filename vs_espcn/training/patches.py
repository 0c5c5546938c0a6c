"""Patches: what a network is shown at each step.

A source of patches is endless and holds the random state of the data order,
so that a resumed run sees the patches that an unbroken one would have seen.
Each patch is flipped and turned at random.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vs_espcn.training.dataset import Pair
from vs_espcn.training.degradation import enlarge

_ERROR_FLOOR = 20.0  # keeps flat images from filling the batches

# low: float32 (N, 1, size, size), luma code / 255
# phases: float32 (N, scale², size, size), on the same footing
Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class Patches(Protocol):
    """An endless source of batches."""

    def draw(self) -> Batch:
        """Give the next batch."""

    def state_dict(self) -> dict[str, Any]:
        """Give what ``load_state_dict`` needs to go on from here."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""


class RandomPatches:
    """Patches from anywhere, weighted as mean PSNR weighs.

    PSNR is a logarithm: a tenth off the error of a smooth image counts as much
    as a tenth off the error of a busy one. The gradient of the squared error
    does not know that, so an image is drawn in proportion to its area divided
    by the error that bicubic enlargement leaves.
    """

    def __init__(self, pairs: Sequence[Pair], *, size: int, batch: int, seed: int) -> None:
        """Prepare to draw.

        Args:
            pairs: Images; those smaller than a patch are left out.
            size: Height and width of a patch at low resolution.
            batch: Patches per batch.
            seed: Start of the data order.
        """
        self._pairs = [pair for pair in pairs if min(pair.low.shape) >= size]
        self._size = size
        self._batch = batch
        self._random = np.random.default_rng(seed)
        chances = np.array([pair.low.size / (_bicubic_error(pair) + _ERROR_FLOOR) for pair in self._pairs])
        self._up_to = np.cumsum(chances) / chances.sum()

    def draw(self) -> Batch:
        """Give the next batch."""
        picked = np.searchsorted(self._up_to, self._random.random(self._batch), side="right")
        places = []
        for index in picked:
            height, width = self._pairs[index].low.shape
            top = self._random.integers(height - self._size + 1)
            left = self._random.integers(width - self._size + 1)
            places.append((self._pairs[index], int(top), int(left)))
        return _cut(places, self._size, self._random.integers(8, size=self._batch))

    def state_dict(self) -> dict[str, Any]:
        """Give what ``load_state_dict`` needs to go on from here."""
        return {"random": self._random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self._random.bit_generator.state = state["random"]


class GridPatches:
    """Patches on a regular grid, each shown once per epoch in a new order."""

    def __init__(self, pairs: Sequence[Pair], *, size: int, stride: int, batch: int, seed: int) -> None:
        """Prepare to draw.

        Args:
            pairs: Images; those smaller than a patch are left out.
            size: Height and width of a patch at low resolution.
            stride: Distance between neighbouring patches at low resolution.
            batch: Patches per batch; the last of an epoch may hold fewer.
            seed: Start of the data order.
        """
        self._places = [
            (pair, top, left)
            for pair in pairs
            for top in range(0, pair.low.shape[0] - size + 1, stride)
            for left in range(0, pair.low.shape[1] - size + 1, stride)
        ]
        self._size = size
        self._batch = batch
        self._random = np.random.default_rng(seed)
        self._order = np.arange(0)
        self._next = 0

    @property
    def batches_per_epoch(self) -> int:
        """Batches until every patch was shown once."""
        return math.ceil(len(self._places) / self._batch)

    def draw(self) -> Batch:
        """Give the next batch."""
        if self._next >= len(self._order):
            self._order = self._random.permutation(len(self._places))
            self._next = 0
        picked = self._order[self._next : self._next + self._batch]
        self._next += self._batch
        return _cut(
            [self._places[index] for index in picked], self._size, self._random.integers(8, size=len(picked))
        )

    def state_dict(self) -> dict[str, Any]:
        """Give what ``load_state_dict`` needs to go on from here."""
        return {"random": self._random.bit_generator.state, "order": self._order.tolist(), "next": self._next}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self._random.bit_generator.state = state["random"]
        self._order = np.array(state["order"], np.int64)
        self._next = state["next"]


def to_phases(images: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Rearrange images as the last convolution must give them: the inverse of the pixel shuffle.

    Against targets rearranged once, training needs no shuffle in its loop
    (section 3.2 of the paper).

    Args:
        images: float32 (N, scale·H, scale·W).
        scale: Integer scale.

    Returns:
        float32 (N, scale², H, W); channel ``scale·row + column`` holds the
        pixels at that place of each scale×scale cell.
    """
    count, height, width = images.shape
    cells = images.reshape(count, height // scale, scale, width // scale, scale)
    phases = cells.transpose(0, 2, 4, 1, 3)
    return phases.reshape(count, scale * scale, height // scale, width // scale)


def _bicubic_error(pair: Pair) -> float:
    """Mean squared error of bicubic enlargement, in 8-bit codes squared."""
    bicubic = enlarge(pair.low.astype(np.float32), len(pair.high) // len(pair.low))
    return float(np.mean((bicubic - pair.high) ** 2))


def _cut(places: Sequence[tuple[Pair, int, int]], size: int, turns: NDArray[np.int64]) -> Batch:
    """Cut one patch at each (image, top, left), turned in one of eight ways."""
    first = places[0][0]
    scale = first.high.shape[0] // first.low.shape[0]
    low = np.empty((len(places), size, size), np.float32)
    high = np.empty((len(places), scale * size, scale * size), np.float32)
    for index, (pair, top, left) in enumerate(places):
        rows, columns = slice(top, top + size), slice(left, left + size)
        high_rows = slice(scale * top, scale * (top + size))
        high_columns = slice(scale * left, scale * (left + size))
        low[index] = _turned(pair.low[rows, columns], turns[index])
        high[index] = _turned(pair.high[high_rows, high_columns], turns[index])
    low /= 255
    high /= 255
    return low[:, None], to_phases(high, scale)


def _turned[T: np.generic](patch: NDArray[T], turn: int) -> NDArray[T]:
    """One of the eight symmetries of a square, by the bits of ``turn``."""
    if turn & 1:
        patch = patch[::-1]
    if turn & 2:
        patch = patch[:, ::-1]
    return patch.T if turn & 4 else patch
