"""A lane's slot on a GPU, the same for every backend that runs there.

    plane → pinned memory → GPU → program → GPU → pinned memory → plane

Everything is allocated when the slot is made. Then a frame is one launch of a
CUDA graph that holds all copies and the program. A plane that is too large to
go in one piece goes tile by tile, in the same graph; what is kept of a tile is
copied straight to its place in pinned memory.
"""

import logging
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import numpy as np
from onnx import ModelProto, TensorProto, helper

from vs_espcn.errors import BackendError
from vs_espcn.networks import graph as graphs
from vs_espcn.networks.centred_codes import with_centred_codes
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import GpuArithmetic
from vs_espcn.runtime.cuda_resources import Resources, download, launch, upload, wait
from vs_espcn.runtime.engine import Plane
from vs_espcn.runtime.tiling import Tiling, scaled

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PlaneType:
    """Shape (height, width) and type of a plane."""

    height: int
    width: int
    dtype: np.dtype[np.generic]

    @property
    def nbytes(self) -> int:
        """Size without padding, in bytes."""
        return self.height * self.width * self.dtype.itemsize


def plane_types(graph: ModelProto) -> tuple[PlaneType, PlaneType]:
    """The planes that a graph from `vs_espcn.networks.graph.build_graph` takes and gives."""
    source, target = (
        PlaneType(
            height=tensor.shape.dim[2].dim_value,
            width=tensor.shape.dim[3].dim_value,
            dtype=helper.tensor_dtype_to_np_dtype(tensor.elem_type),
        )
        for tensor in (value.type.tensor_type for value in (graph.graph.input[0], graph.graph.output[0]))
    )
    return source, target


def typed_graph(graph: ModelProto, precision: GpuArithmetic) -> ModelProto:
    """A graph in the types that it is to run in, with 16-bit codes as byte pairs.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`; it is not changed.
        precision: Arithmetic of the network; int8 if that is its form.
    """
    if precision == "fp16":
        graph = graphs.in_half(graph)
    elif precision == "int8":
        graph = with_centred_codes(graph)
    if graph.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT16:
        graph = graphs.in_byte_pairs(graph)
    return graph


def lanes_that_fit(device: cuda.Device, lane_bytes: int, lanes: int, *, fewer: bool) -> int:
    """How many of the lanes that are wanted on a GPU its free memory allows.

    Args:
        device: The GPU.
        lane_bytes: What one lane takes.
        lanes: Lanes wanted on this GPU.
        fewer: Whether fewer will do, but at least one.

    Raises:
        BackendError: It is not enough.
    """
    free = device.free_memory()
    fitting = min(lanes, free // lane_bytes)
    if fitting == lanes:
        return lanes
    if fewer and fitting > 0:
        _log.info("%s has %d MB of memory free: %d lanes, not %d", device, free >> 20, fitting, lanes)
        return fitting
    wanted = 1 if fewer else lanes
    raise cuda.OutOfMemoryError(
        f"{device.name} has {free >> 20} MB of memory free, but {wanted} lane{'s' * (wanted > 1)} "
        f"need{'s' * (wanted == 1)} {(wanted * lane_bytes >> 20) + 1} MB; "
        f"{'use fewer lanes, ' * (wanted > 1)}precision='fp16', or smaller tiles"
    )


class Program(Protocol):
    """What computes a frame on the GPU, bound to the addresses of its input and output."""

    def enqueue(self, stream: int) -> None:
        """Put a frame's work on a stream and return at once.

        Raises:
            BackendError: The work could not be enqueued.
        """

    def can_be_recorded(self, stream: int) -> bool:
        """Whether `enqueue` may be recorded as a CUDA graph; it has run once before."""

    def recording(self) -> AbstractContextManager[None]:
        """Entered before a recording begins and left after it has ended."""


ProgramMaker = Callable[[Resources, int, int], Program]
"""Makes a program, from the owner of what it allocates, the input's and the output's address."""


class CudaSlot:
    """Pinned and device memory, stream, event, program and graph of one lane."""

    def __init__(
        self,
        device: cuda.Device,
        source: PlaneType,
        target: PlaneType,
        tiling: Tiling,
        make_program: ProgramMaker,
        *,
        cuda_graph: bool,
    ) -> None:
        """Allocate everything and compute one frame of zeros.

        Args:
            device: The GPU.
            source: Tiles that the program takes.
            target: Tiles that it gives.
            tiling: How the planes that `upscale` is given are cut.
            make_program: Called once.
            cuda_graph: Whether to launch a frame's work as one recorded graph.

        Raises:
            BackendError: The GPU has too little memory, or failed.
        """
        self.device = device
        self._failure: str | None = None
        self._lock = Lock()  # pinned memory must not go while a frame is copied
        self.tiling, self._scale = tiling, target.height // source.height
        self._pitch = target.width * target.dtype.itemsize
        resources = Resources(device)
        self._free = weakref.finalize(self, resources.close)
        try:
            self._allocate(resources, source, target, tiling.size, make_program)
            self._enqueue_frame()
            wait(self._event, self._stream)
            self._graph = self._record(resources) if cuda_graph else None
        except BaseException:
            self.close()
            raise

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; see `vs_espcn.runtime.engine.Slot`.

        After a failure every later call fails too: what the GPU still does
        with the slot's memory is then unknown.
        """
        with self._lock:
            if self._failure is not None:
                raise BackendError(self._failure)
            np.copyto(self._input, source)
            self._run(self._launch)
            np.copyto(target, self._output)

    def compute(self) -> None:
        """Compute the frame that is on the GPU once more, without copies, and wait; for benchmarks."""
        self._run(self._enqueue_program)

    def copy(self) -> None:
        """Copy a frame to the GPU and one back, without computing it, and wait; for benchmarks."""
        self._run(self._enqueue_copies)

    def close(self) -> None:
        """Wait for the frame in work and free everything; `upscale` fails from then on."""
        with self._lock:
            self._failure = self._failure or "the slot is closed"
            self._free()

    def _allocate(
        self,
        resources: Resources,
        source: PlaneType,
        target: PlaneType,
        size: tuple[int, int],
        make_program: ProgramMaker,
    ) -> None:
        width, height = size
        upscaled = (height * self._scale, width * self._scale)
        self._input = _pinned_plane(resources, source.dtype, (height, width))
        self._output = _pinned_plane(resources, target.dtype, upscaled)
        self._tile, self._upscaled_tile = map(resources.on_device, (source.nbytes, target.nbytes))
        self._stream, self._event = resources.stream(), resources.event()
        self._program = make_program(resources, self._tile, self._upscaled_tile)

    def _run(self, enqueue: Callable[[], None]) -> None:
        try:
            self.device.make_current()
            enqueue()
            wait(self._event, self._stream)
        except BackendError as error:
            self._failure = f"{self.device} failed: {error}"
            raise BackendError(self._failure) from error

    def _launch(self) -> None:
        if self._graph is None:
            self._enqueue_frame()
        else:
            launch(self._graph, self._stream)

    def _enqueue_frame(self) -> None:
        self._enqueue(copies=True, program=True)

    def _enqueue_copies(self) -> None:
        self._enqueue(copies=True, program=False)

    def _enqueue_program(self) -> None:
        self._enqueue(copies=False, program=True)

    def _enqueue(self, *, copies: bool, program: bool) -> None:
        for tile in self.tiling.tiles:
            # Every tile goes to the same address, so overlaps are sent twice. To enqueue at the rows of
            # one uploaded plane would save 2 % of the upload (1080p in 4 strips) and 3 copies, but
            # TensorRT asks for "at least 256-byte alignment" of what is bound: few widths' rows have it.
            if copies:
                upload(self._tile, self._input[tile.source], self._stream)
            if program:
                self._program.enqueue(self._stream)
            if copies:
                rows, columns = scaled(tile.kept, self._scale)
                first = rows.start * self._pitch + columns.start * self._output.itemsize
                placed = self._output[scaled(tile.placed, self._scale)]
                download(placed, self._upscaled_tile + first, self._pitch, self._stream)

    def _record(self, resources: Resources) -> int | None:
        """The frame as a graph; None, with one line that says why, if it cannot be recorded."""
        if not self._program.can_be_recorded(self._stream):
            _log.warning("running without a CUDA graph: the engine cannot be recorded")
            return None
        try:
            with self._program.recording():
                return resources.graph(self._stream, self._enqueue_frame)
        except BackendError as error:
            _log.warning("running without a CUDA graph: %s", str(error))
            return None


def _pinned_plane(resources: Resources, dtype: np.dtype[np.generic], shape: tuple[int, int]) -> Plane:
    plane: Plane = resources.pinned(shape[0] * shape[1] * dtype.itemsize).view(dtype).reshape(shape)
    return plane
