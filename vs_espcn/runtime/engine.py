"""The contract between the filter and its runtimes."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.generic]
"""One plane, (height, width), of the engine's sample type; rows may be strided."""


class Slot(Protocol):
    """The buffers and the context of one frame in work; owned by one lane."""

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; both arrays stay the caller's and are not kept.

        Args:
            source: (height, width), of the graph's sample type.
            target: (scale·height, scale·width), of the same type; written whole.

        Raises:
            BackendError: The device failed; `target` is then undefined.
        """


@runtime_checkable
class Engine(Protocol):
    """A graph made ready on a device, with one slot per lane."""

    @property
    def description(self) -> str:
        """Device, precision and lanes in a few words, for the log."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """One slot per lane. Slots work independently of each other; each serves one thread at a time."""

    def close(self) -> None:
        """Free what the engine holds; a second call does nothing. Its slots then fail."""
