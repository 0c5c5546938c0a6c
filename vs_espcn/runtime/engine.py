"""The interface between the filter and its runtimes."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.generic]
"""One plane, (height, width), in the engine's sample type; rows may have padding."""


class Slot(Protocol):
    """The buffers and execution context for one frame at a time; owned by one lane."""

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane. The slot keeps no reference to either array.

        Args:
            source: (height, width) in the graph's sample type.
            target: (scale·height, scale·width) in the same type; all of it is written.

        Raises:
            BackendError: The device failed, or the slot is closed; `target` is then undefined.
        """


@runtime_checkable
class Engine(Protocol):
    """A graph loaded on a device, with one slot per lane."""

    @property
    def description(self) -> str:
        """Device, precision and lanes in a few words, for the log."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """One slot per lane. Slots are independent of each other; each serves one thread at a time."""

    def close(self) -> None:
        """Free the engine's memory; its slots then fail. A second call does nothing."""
