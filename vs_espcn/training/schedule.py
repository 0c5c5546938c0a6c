"""Learning rates over a run."""

import math
from typing import Any, Protocol

from torch import Tensor


class Schedule(Protocol):
    """Gives each step its learning rate and may end a run."""

    @property
    def finished(self) -> bool:
        """Whether the run shall end before its budget does."""

    def rate(self, step: int, progress: float) -> float:
        """Learning rate of a step.

        Args:
            step: Steps taken so far.
            progress: Share of the run that is done, 0..1.
        """

    def observe(self, loss: Tensor) -> None:
        """Hear the loss of the step just taken, a scalar on any device."""

    def state_dict(self) -> dict[str, Any]:
        """Give what ``load_state_dict`` needs to go on from here."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""


class Cosine:
    """A short rise, then half a cosine down to zero at the end of the run."""

    finished = False

    def __init__(self, *, peak: float, warm_up: int) -> None:
        """Set the course.

        Args:
            peak: Highest learning rate.
            warm_up: Steps of linear rise.
        """
        self._peak = peak
        self._warm_up = warm_up

    def rate(self, step: int, progress: float) -> float:
        """Learning rate of a step."""
        rise = min(1.0, (step + 1) / self._warm_up)
        return self._peak * rise * (1 + math.cos(math.pi * min(progress, 1.0))) / 2

    def observe(self, loss: Tensor) -> None:
        """Take no notice: the course is set."""

    def state_dict(self) -> dict[str, Any]:
        """Give nothing: the course depends on the step alone."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing."""


class Plateau:
    """Lower the rate each time the cost of an epoch stops improving (the paper's way)."""

    def __init__(
        self, *, first: float, last: float, threshold: float, batches_per_epoch: int, patience: int
    ) -> None:
        """Set the rules.

        Args:
            first: Learning rate at the start.
            last: Learning rate below which it never falls.
            threshold: Least relative improvement of an epoch's cost that keeps the rate.
            batches_per_epoch: Steps after which a cost is complete.
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
        """Whether nothing has improved for too long."""
        return self._stale >= self._patience

    def rate(self, step: int, progress: float) -> float:
        """Learning rate of a step."""
        del step, progress  # costs alone decide
        return self._rate

    def observe(self, loss: Tensor) -> None:
        """Hear the loss of the step just taken."""
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
        """Give what ``load_state_dict`` needs to go on from here."""
        return {"rate": self._rate, "best": self._best, "stale": self._stale, "costs": list(self._costs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self._rate, self._best = float(state["rate"]), float(state["best"])
        self._stale, self._costs = int(state["stale"]), [float(cost) for cost in state["costs"]]
