"""Measure a GPU's time per frame without the filter; needs no VapourSynth."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from onnx import ModelProto

from vs_espcn.networks import cost, graph, registry
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import TensorRT, Torch
from vs_espcn.runtime.cuda_engine import CudaEngine
from vs_espcn.runtime.cuda_slot import CudaSlot
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.precision import network_for, resolved_backend
from vs_espcn.runtime.tiles import tile_for
from vs_espcn.runtime.tiling import Tiling

KERNELS = "kernels alone"
SLOT = "slot"
COPIES = "copies alone"
BOUND = "multiply-adds at the matrix rate"


@dataclass(frozen=True, kw_only=True)
class GpuCase:
    """A scale, the source's size and depth, the number of lanes, and whether CUDA graphs are used."""

    scale: int
    width: int
    height: int
    bits: int = 8
    lanes: int = 2
    cuda_graph: bool = True

    @property
    def sample(self) -> graph.SampleFormat:
        """Samples of the source."""
        return graph.UINT8 if self.bits == 8 else graph.UINT16[self.bits]

    @property
    def label(self) -> str:
        """Description of the case."""
        return (
            f"{self.width}x{self.height} x{self.scale}, {self.bits} bits, {self.lanes} lanes, "
            f"graph {'on' if self.cuda_graph else 'off'}"
        )


SIZES = ((2, 960, 540), (3, 640, 360), (4, 480, 270), (2, 1920, 1080))
"""Scale and source size of every case: to 1080p, and to 2160p."""


def operations(case: GpuCase) -> float:
    """Count the operations of a frame: two for each multiply-add of the convolutions."""
    network = registry.load_network(registry.find("espcn", case.scale).path)
    return 2 * cost.macs_per_sample(network) * case.width * case.height


@contextmanager
def slot_runners(case: GpuCase, backend: TensorRT | Torch) -> Iterator[dict[str, Callable[[int], None]]]:
    """Make functions that compute a number of frames, by name: kernels alone, copies alone, all slots.

    Args:
        case: Scale, source, lanes and graph.
        backend: The GPU and the precision, with the case's lanes and graph.

    Raises:
        BackendError: The backend cannot run here.
    """
    network = network_for(registry.find("espcn", case.scale), backend)
    engine = _open(case, backend, network)
    slots = engine.slots
    try:
        with ThreadPoolExecutor(case.lanes) as pool:
            yield {
                KERNELS: partial(_repeat, slots[0].compute),
                COPIES: partial(_repeat, slots[0].copy),
                SLOT: partial(_in_lanes, slots, case, pool),
            }
    finally:
        engine.close()


def _open(case: GpuCase, backend: TensorRT | Torch, network: ModelProto) -> CudaEngine:
    """Open the engine as the filter does, in tiles where the filter uses tiles."""
    size = (case.width, case.height)
    resolved = resolved_backend(backend, network, case.sample.depth)
    tile = tile_for(resolved, network, size, lanes=case.lanes)
    tiling = Tiling(size=size, tile=tile, radius=reach_of(network).radius or 0)
    model = graph.build_graph(network, case.sample, full_range=False, width=tile[0], height=tile[1])
    engine = open_engine(resolved, model, lanes=case.lanes, tiling=tiling)
    assert isinstance(engine, CudaEngine)
    return engine


def _repeat(function: Callable[[], None], frames: int) -> None:
    for _ in range(frames):
        function()


def _in_lanes(slots: Sequence[CudaSlot], case: GpuCase, pool: ThreadPoolExecutor, frames: int) -> None:
    source = np.full((case.height, case.width), 100, case.sample.dtype)

    def run(slot: CudaSlot, share: int) -> None:
        target = np.empty((case.height * case.scale, case.width * case.scale), source.dtype)
        for _ in range(share):
            slot.upscale(source, target)

    shares = [len(range(lane, frames, len(slots))) for lane in range(len(slots))]
    list(pool.map(run, slots, shares))
