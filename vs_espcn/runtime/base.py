"""What every engine is: the contract between the filter and its runtimes."""

import os
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from vs_espcn.errors import InputError

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16")

Plane = NDArray[np.generic]
"""One plane, (height, width), of the engine's sample type; rows may be strided."""


@dataclass(frozen=True, kw_only=True)
class OpenVINO:
    """Run on the CPU (or another OpenVINO device).

    Attributes:
        device: OpenVINO's name of the device, for example ``"CPU"``.
        precision: Arithmetic of the network: ``"fp32"``, ``"bf16"``, or
            ``"auto"`` for bf16 where the device has it, else fp32.
        lanes: Frames in work at once; None chooses by the number of cores.
    """

    device: str = "CPU"
    precision: Precision = "auto"
    lanes: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise InputError(
                f"precision {self.precision!r} is not known; choose one of {', '.join(PRECISIONS)}"
            )
        if self.lanes is not None and self.lanes < 1:
            raise InputError(f"lanes is {self.lanes}; give 1 or more, or None to choose automatically")


Backend = OpenVINO
"""Any backend's settings."""

BACKENDS: dict[str, type[Backend]] = {"openvino": OpenVINO}


def backend_from_name(name: str | None, precision: str | None = None) -> Backend | None:
    """Turn the command line's words into a backend.

    Args:
        name: A key of `BACKENDS`, or None for the best that is present.
        precision: One of `PRECISIONS`, or None for the backend's default.

    Returns:
        The backend's settings; None when neither argument was given.

    Raises:
        InputError: The name or the precision is not known.
    """
    if name is None and precision is None:
        return None
    kind = BACKENDS.get(name or "openvino")
    if kind is None:
        raise InputError(f"backend {name!r} is not known; choose one of {', '.join(BACKENDS)}")
    return kind() if precision is None else kind(precision=precision)  # type: ignore[arg-type]


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


CORES_PER_LANE = 4


def lane_count(backend: Backend, max_lanes: int) -> int:
    """Frames in work at once: as asked for, else two, so that one is computed while another is copied.

    Machines with many cores take one lane per `CORES_PER_LANE` cores, since
    each lane holds a frame's activations (about 200 MB at 1080p output).
    """
    automatic = max(2, (os.cpu_count() or 1) // CORES_PER_LANE)
    return max(1, min(backend.lanes or automatic, max_lanes))


def open_engine(backend: Backend, graph: ModelProto, *, lanes: int, depth: int | None) -> Engine:
    """Make a graph ready to run.

    Args:
        backend: Where and how to run it.
        graph: A model from `vs_espcn.graph.build_graph`, of static shape.
        lanes: Frames in work at once; the engine has one slot for each.
        depth: Depth in bits whose accuracy ``precision="auto"`` has to keep;
            None for float.

    Raises:
        RuntimeMissingError: The runtime cannot be loaded in this process.
        BackendError: The runtime cannot run the graph.
    """
    from vs_espcn.runtime.openvino import OpenVINOEngine  # noqa: PLC0415 - loads the runtime

    return OpenVINOEngine(backend, graph, lanes=lanes, depth=depth)
