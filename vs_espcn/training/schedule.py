"""Learning rate schedules."""

import math
from typing import Any, Protocol

from torch import Tensor


class Schedule(Protocol):
    """A learning rate for each step, and perhaps an early end of the run."""

    @property
    def finished(self) -> bool:
        """True if the run is to end before its budget is spent."""

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step.

        Args:
            step: Steps taken so far.
            progress: Completed share of the run, 0..1.
        """

    def observe(self, loss: Tensor) -> None:
        """Take note of the latest step's loss, a scalar on any device."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state for ``load_state_dict``."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from ``state_dict``."""


class Cosine:
    """Linear warm-up, then half a cosine down to zero at the end of the run."""

    finished = False

    def __init__(self, *, peak: float, warm_up: int) -> None:
        """Set the shape of the curve.

        Args:
            peak: Highest learning rate.
            warm_up: Steps of the warm-up.
        """
        self._peak = peak
        self._warm_up = warm_up

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step."""
        rise = min(1.0, (step + 1) / self._warm_up)
        return self._peak * rise * (1 + math.cos(math.pi * min(progress, 1.0))) / 2

    def observe(self, loss: Tensor) -> None:
        """Do nothing: losses don't change the rate."""

    def state_dict(self) -> dict[str, Any]:
        """Return an empty state: the rate depends only on the step and the progress."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""


class Plateau:
    """A rate that is divided by √10 each time an epoch's cost stops improving, as in the paper."""

    def __init__(
        self, *, first: float, last: float, threshold: float, batches_per_epoch: int, patience: int
    ) -> None:
        """Set the rules.

        Args:
            first: Learning rate at the start.
            last: Lowest learning rate.
            threshold: Smallest relative improvement of an epoch's cost that keeps the rate.
            batches_per_epoch: Steps of an epoch.
            patience: Epochs without any improvement after which the run is finished.
        """
        self._rate = first
        self._last = last
        self._threshold = threshold
        self._batches = batches_per_epoch
        self._patience = patience
        self._best = math.inf
        self._stale = 0
        self._costs: list[float] = []

    @property
    def finished(self) -> bool:
        """True once ``patience`` epochs brought no improvement."""
        return self._stale >= self._patience

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step."""
        del step, progress  # only costs decide
        return self._rate

    def observe(self, loss: Tensor) -> None:
        """Add the latest step's loss to the epoch's cost."""
        self._costs.append(float(loss))
        if len(self._costs) < self._batches:
            return
        cost = sum(self._costs) / len(self._costs)
        self._costs = []
        if cost > self._best * (1 - self._threshold):
            self._rate = max(self._last, self._rate / 10**0.5)
        self._stale = 0 if cost < self._best else self._stale + 1
        self._best = min(self._best, cost)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for ``load_state_dict``."""
        return {"rate": self._rate, "best": self._best, "stale": self._stale, "costs": list(self._costs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from ``state_dict``."""
        self._rate, self._best = float(state["rate"]), float(state["best"])
        self._stale, self._costs = int(state["stale"]), [float(cost) for cost in state["costs"]]
