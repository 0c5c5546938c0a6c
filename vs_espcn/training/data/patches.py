"""Draw the patches that a network sees at each step.

A source of patches is endless and holds the random state of the data order,
so a resumed run sees the same patches as an uninterrupted one. Low resolution
and rearranged high resolution share one grid, so a patch is cut at the same
position from both.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vs_espcn.training.data.dataset import Pair, to_phases
from vs_espcn.training.data.degradation import enlarge

_ERROR_FLOOR = 20.0  # keeps flat images from filling the batches

# low: float32 (N, 1, size, size), luma code / 255
# phases: float32 (N, scale², size, size), luma code / 255
Batch = tuple[NDArray[np.float32], NDArray[np.float32]]

_Place = tuple[Pair, int, int]  # image, top, left
_Patch = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # low (size, size), phases (scale², size, size)


class Patches(Protocol):
    """An endless source of batches."""

    def draw(self) -> Batch:
        """Return the next batch."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state for ``load_state_dict``."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from ``state_dict``."""


class RandomPatches:
    """Patches from random positions, randomly flipped and turned, and weighted as in mean PSNR.

    PSNR is a logarithm: reducing the error of a smooth image by a tenth counts
    as much as for a busy image. The gradient of the squared error ignores
    that, so an image is drawn in proportion to its area divided by the error
    of its bicubic enlargement.
    """

    def __init__(self, pairs: Sequence[Pair], *, size: int, batch: int, seed: int) -> None:
        """Set up the source.

        Args:
            pairs: Pairs of images; those smaller than a patch are left out.
            size: Height and width of a patch at low resolution.
            batch: Patches per batch.
            seed: Seed of the data order.
        """
        self._pairs = [pair for pair in pairs if min(pair.low.shape) >= size]
        self._size = size
        self._batch = batch
        self._random = np.random.default_rng(seed)
        chances = np.array([pair.low.size / (_bicubic_error(pair) + _ERROR_FLOOR) for pair in self._pairs])
        self._up_to = np.cumsum(chances) / chances.sum()

    def draw(self) -> Batch:
        """Return the next batch."""
        picked = np.searchsorted(self._up_to, self._random.random(self._batch), side="right")
        places = []
        for index in picked:
            height, width = self._pairs[index].low.shape
            top = self._random.integers(height - self._size + 1)
            left = self._random.integers(width - self._size + 1)
            places.append((self._pairs[index], int(top), int(left)))
        turns = self._random.integers(8, size=self._batch)
        return _stack(
            [_turned(*_cut(place, self._size), turn) for place, turn in zip(places, turns, strict=True)]
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state for ``load_state_dict``."""
        return {"random": self._random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from ``state_dict``."""
        self._random.bit_generator.state = state["random"]


class GridPatches:
    """Patches on a regular grid, each drawn once per epoch in a new order."""

    def __init__(self, pairs: Sequence[Pair], *, size: int, stride: int, batch: int, seed: int) -> None:
        """Set up the source.

        Args:
            pairs: Pairs of images; those smaller than a patch are left out.
            size: Height and width of a patch at low resolution.
            stride: Distance between neighbouring patches at low resolution.
            batch: Patches per batch; the last of an epoch may hold fewer.
            seed: Seed of the data order.
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
        """Number of batches in which every patch is drawn once."""
        return math.ceil(len(self._places) / self._batch)

    def draw(self) -> Batch:
        """Return the next batch."""
        if self._next >= len(self._order):
            self._order = self._random.permutation(len(self._places))
            self._next = 0
        picked = self._order[self._next : self._next + self._batch]
        self._next += self._batch
        return _stack([_cut(self._places[index], self._size) for index in picked])

    def state_dict(self) -> dict[str, Any]:
        """Return the state for ``load_state_dict``."""
        return {"random": self._random.bit_generator.state, "order": self._order.tolist(), "next": self._next}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from ``state_dict``.

        Raises:
            ValueError: The state belongs to other patches.
        """
        self._random.bit_generator.state = state["random"]
        order, following = np.array(state["order"], np.int64), int(state["next"])
        if order.ndim != 1 or following < 0 or not ((order >= 0) & (order < len(self._places))).all():
            raise ValueError("an order of other patches")
        self._order, self._next = order, following


def _bicubic_error(pair: Pair) -> float:
    """Return the mean squared error of bicubic enlargement, in squared 8-bit codes."""
    scale = math.isqrt(len(pair.phases))
    bicubic = to_phases(enlarge(pair.low.astype(np.float32), scale), scale)
    return float(np.mean((bicubic - pair.phases) ** 2))


def _cut(place: _Place, size: int) -> _Patch:
    pair, top, left = place
    rows, columns = slice(top, top + size), slice(left, left + size)
    return pair.low[rows, columns], pair.phases[:, rows, columns]


def _turned(low: NDArray[np.uint8], phases: NDArray[np.uint8], turn: int) -> _Patch:
    """Apply one of the eight symmetries of a square, given by the bits of ``turn``.

    The scale×scale cells of the high resolution turn too: each phase is turned,
    and phases change places.
    """
    scale = math.isqrt(len(phases))
    places = np.arange(len(phases)).reshape(scale, scale)
    if turn & 1:
        low, phases, places = low[::-1], phases[:, ::-1], places[::-1]
    if turn & 2:
        low, phases, places = low[:, ::-1], phases[:, :, ::-1], places[:, ::-1]
    if turn & 4:
        low, phases, places = low.T, phases.transpose(0, 2, 1), places.T
    return low, phases[places.ravel()]


def _stack(patches: Sequence[_Patch]) -> Batch:
    low = np.stack([patch[0] for patch in patches])
    phases = np.stack([patch[1] for patch in patches])
    return low[:, None].astype(np.float32) / np.float32(255), phases.astype(np.float32) / np.float32(255)
