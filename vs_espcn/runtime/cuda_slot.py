"""A lane's slot on a GPU, the same for every backend that runs there.

    plane → pinned memory → GPU → program → GPU → pinned memory → plane

Everything is allocated when the slot is made. Then a frame is one launch of a
CUDA graph that holds both copies and the program.
"""

import logging
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from onnx import ModelProto, TensorProto, helper

from vs_espcn.errors import BackendError
from vs_espcn.networks import graph as graphs
from vs_espcn.runtime import cuda
from vs_espcn.runtime.engine import Plane

_log = logging.getLogger(__name__)

_MEGABYTE = 1 << 20


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


def typed_graph(graph: ModelProto, precision: Literal["fp32", "fp16"]) -> ModelProto:
    """A graph in the types that it is to run in, with 16-bit codes as byte pairs.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`; it is not changed.
        precision: Arithmetic of the network.
    """
    if precision == "fp16":
        graph = graphs.in_half(graph)
    if graph.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT16:
        graph = graphs.in_byte_pairs(graph)
    return graph


def check_free_memory(device: cuda.Device, lane_bytes: int, lanes: int) -> None:
    """Compare what lanes will take on a GPU with what is free there.

    Args:
        device: The GPU.
        lane_bytes: What one lane takes.
        lanes: Lanes on this GPU.

    Raises:
        BackendError: It is not enough.
    """
    needed, free = lanes * lane_bytes, device.free_memory()
    if needed > free:
        raise BackendError(
            f"{device.name} has {free // _MEGABYTE} MB of memory free, but {lanes} lanes need "
            f"{needed // _MEGABYTE + 1} MB; use fewer lanes, precision='fp16', or smaller tiles"
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


ProgramMaker = Callable[[cuda.Resources, int, int], Program]
"""Makes a program, from the owner of what it allocates, the input's and the output's address."""


class CudaSlot:
    """Pinned and device memory, stream, event, program and graph of one lane."""

    def __init__(
        self,
        device: cuda.Device,
        source: PlaneType,
        target: PlaneType,
        make_program: ProgramMaker,
        *,
        cuda_graph: bool,
    ) -> None:
        """Allocate everything and compute one frame of zeros.

        Args:
            device: The GPU.
            source: Planes that `upscale` is given.
            target: Planes that it writes.
            make_program: Called once.
            cuda_graph: Whether to launch a frame's work as one recorded graph.

        Raises:
            BackendError: The GPU has too little memory, or failed.
        """
        self._device = device
        self._failure: str | None = None
        resources = cuda.Resources(device)
        self._free = weakref.finalize(self, resources.close)
        try:
            self._allocate(resources, source, target, make_program)
            self._enqueue_frame()
            cuda.wait(self._event, self._stream)
            self._graph = self._record(resources) if cuda_graph else None
        except BaseException:
            self.close()
            raise

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; see `vs_espcn.runtime.engine.Slot`.

        After a failure every later call fails too: what the GPU still does
        with the slot's memory is then unknown.
        """
        if self._failure is not None:
            raise BackendError(self._failure)
        try:
            self._device.make_current()
            np.copyto(self._input_plane, source)
            if self._graph is None:
                self._enqueue_frame()
            else:
                cuda.launch(self._graph, self._stream)
            cuda.wait(self._event, self._stream)
        except BackendError as error:
            self._failure = f"GPU {self._device.index} ({self._device.name}) failed: {error}"
            raise BackendError(self._failure) from error
        np.copyto(target, self._output_plane)

    def compute(self) -> None:
        """Compute the frame that is on the GPU once more, without copies, and wait; for benchmarks."""
        self._device.make_current()
        self._program.enqueue(self._stream)
        cuda.wait(self._event, self._stream)

    def copy(self) -> None:
        """Copy a frame to the GPU and one back, without computing it, and wait; for benchmarks."""
        self._device.make_current()
        cuda.upload(self._input_address, self._input, self._stream)
        cuda.download(self._output, self._output_address, self._stream)
        cuda.wait(self._event, self._stream)

    def close(self) -> None:
        """Free everything; a second call does nothing, and `upscale` fails from now on."""
        self._failure = self._failure or "the slot is closed"
        self._free()

    def _allocate(
        self, resources: cuda.Resources, source: PlaneType, target: PlaneType, make_program: ProgramMaker
    ) -> None:
        self._input, self._output = resources.pinned(source.nbytes), resources.pinned(target.nbytes)
        self._input_plane = self._input.view(source.dtype).reshape(source.height, source.width)
        self._output_plane = self._output.view(target.dtype).reshape(target.height, target.width)
        self._input_address = resources.on_device(source.nbytes)
        self._output_address = resources.on_device(target.nbytes)
        self._stream, self._event = resources.stream(), resources.event()
        self._program = make_program(resources, self._input_address, self._output_address)

    def _enqueue_frame(self) -> None:
        cuda.upload(self._input_address, self._input, self._stream)
        self._program.enqueue(self._stream)
        cuda.download(self._output, self._output_address, self._stream)

    def _record(self, resources: cuda.Resources) -> int | None:
        """The frame as a graph; None, with one line that says why, if it cannot be recorded."""
        if not self._program.can_be_recorded(self._stream):
            _log.warning("running without a CUDA graph: the engine cannot be recorded")
            return None
        try:
            return resources.graph(self._stream, self._enqueue_frame)
        except BackendError as error:
            _log.warning("running without a CUDA graph: %s", str(error))
            return None


class CudaEngine:
    """What is the same in every engine on a GPU: its slots, and how they are opened and closed."""

    def __init__(self, description: str, slots: Iterable[CudaSlot]) -> None:
        """Open every slot, or none.

        Args:
            description: Library, GPUs, precision and lanes in a few words.
            slots: Makes one slot after the other; if it fails, those that it made are closed.
        """
        self._description = description
        opened = []
        with ExitStack() as opening:
            for slot in slots:
                opening.callback(slot.close)
                opened.append(slot)
            self._open = opening.pop_all()
        self._slots = tuple(opened)

    @property
    def description(self) -> str:
        """Library, GPUs, precision and lanes in a few words, for the log."""
        return self._description

    @property
    def slots(self) -> tuple[CudaSlot, ...]:
        """One slot per lane."""
        return self._slots

    def close(self) -> None:
        """Free everything on the GPUs; a second call does nothing."""
        self._open.close()
