"""What is the same in every engine on NVIDIA GPUs: how its slots are opened and closed."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from vs_espcn.runtime import cuda
from vs_espcn.runtime.cuda_slot import CudaSlot

_log = logging.getLogger(__name__)


class CudaEngine:
    """An engine on one or more GPUs, with one slot per lane."""

    def __init__(
        self,
        about: str,
        devices: Sequence[cuda.Device],
        open_slot: Callable[[cuda.Device], CudaSlot],
        *,
        fewer: bool,
    ) -> None:
        """Open a slot for every lane, or none.

        Args:
            about: Library, GPUs and precision in a few words.
            devices: The GPU of each lane.
            open_slot: Opens a slot on a GPU.
            fewer: Whether fewer lanes will do where memory ends, but at least one.

        Raises:
            BackendError: A slot cannot be opened; those that were are closed.
        """
        opened: list[CudaSlot] = []
        with ExitStack() as opening:
            for device in devices:
                try:
                    slot = open_slot(device)
                except cuda.OutOfMemoryError as error:
                    lane = f"{device} has no memory left at lane {len(opened) + 1} of {len(devices)}"
                    if not (fewer and opened):
                        fix = "use fewer lanes, precision='fp16', or smaller tiles"
                        raise cuda.OutOfMemoryError(f"{lane}: {error}; {fix}") from error
                    _log.warning("%s: running with %d", lane, len(opened))
                    break
                opening.callback(slot.close)
                opened.append(slot)
            self._open = opening.pop_all()
        self._slots = tuple(opened)
        self._about = about

    @property
    def description(self) -> str:
        """Library, GPUs, precision and lanes in a few words, for the log."""
        slot = self._slots[0]
        return f"{self._about}, {len(self._slots)} lanes{slot.tiling}"

    @property
    def slots(self) -> tuple[CudaSlot, ...]:
        """One slot per lane."""
        return self._slots

    def close(self) -> None:
        """Free everything on the GPUs; a second call does nothing."""
        self._open.close()
