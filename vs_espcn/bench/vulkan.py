"""Measure the filter on a Vulkan device: the network alone, the engine, the filter, vs-mlrt's plugin."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.bench.interleaving import Contestant, ContestantKey, Runner, grey_clip, measure, to_null
from vs_espcn.bench.peers import with_chroma
from vs_espcn.filter.upscale import upscale
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import Vulkan, lane_count
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.precision import resolved_backend
from vs_espcn.runtime.vulkan import VulkanSlot
from vs_espcn.runtime.vulkan_device import find_device, resolve_precision

NETWORK = "network alone"
ENGINE = "engine"
FILTER = "vs_espcn.upscale"
PEER_LUMA = "core.ncnn.Model, luma only"
PEER_CLIP = "core.ncnn.Model, whole clip"

_OUTPUT, _SOFTWARE_OUTPUT = (1920, 1080), (192, 120)
"""Size of the results; on a device in software a frame of the larger one would take a minute."""


@dataclass(frozen=True, kw_only=True)
class VulkanResult:
    """A contestant's time per frame, the median over rounds."""

    name: str
    network: str
    case: str
    precision: str
    ms: float
    fps: float


def measure_vulkan(
    networks: Sequence[str], scales: Sequence[int], backend: Vulkan, *, frames: int, repeats: int
) -> Iterator[VulkanResult]:
    """Measure every network at every scale with 8-bit samples and the backend's number of lanes.

    Args:
        networks: Names of shipped networks or paths of ONNX files.
        scales: Their scales.
        backend: Device, precision and lanes.
        frames: Frames per contestant and round.
        repeats: Rounds.

    Raises:
        InputError: There is no such network.
        BackendError: The device cannot run it.
    """
    device = find_device(backend.device)
    width, height = _SOFTWARE_OUTPUT if device.is_software else _OUTPUT
    for name in networks:
        for scale in scales:
            network = registry.load_network(registry.find(name, scale).path)
            clip = grey_clip(width // scale, height // scale)
            told = resolve_precision(device, resolved_backend(backend, network, 8).precision)
            with _contestants(clip, name, network, scale, backend) as contestants:
                rates = measure(contestants, frames=frames, repeats=repeats)
            for contestant, of_rounds in zip(contestants, rates, strict=True):
                fps = median(of_rounds)
                yield VulkanResult(
                    name=contestant.key.name,
                    network=f"{name} x{scale}",
                    case=f"{clip.width}x{clip.height} on {device.name}",
                    precision=told,
                    ms=1000 / fps,
                    fps=fps,
                )


@contextmanager
def _contestants(
    clip: vs.VideoNode, name: str, network: ModelProto, scale: int, backend: Vulkan
) -> Iterator[list[Contestant]]:
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=clip.width, height=clip.height)
    lanes = lane_count(backend, vs.core.num_threads)
    with ExitStack() as stack:
        engine = open_engine(resolved_backend(backend, model, 8), model, lanes=lanes)
        stack.callback(engine.close)
        slots = [slot for slot in engine.slots if isinstance(slot, VulkanSlot)]
        pool = stack.enter_context(ThreadPoolExecutor(lanes))
        runners: dict[str, Runner] = {
            NETWORK: partial(_in_lanes, pool, [slot.compute for slot in slots]),
            ENGINE: partial(_in_lanes, pool, [partial(_upscale, slot, clip, scale) for slot in slots]),
            FILTER: to_null(upscale(clip, scale, network=registry.find(name, scale).path, backend=backend)),
        }
        if hasattr(vs.core, "ncnn"):
            luma = vs.core.resize.Point(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), format=vs.GRAYS)
            upscaled = vs.core.ncnn.Model(
                luma,
                network.SerializeToString(),
                path_is_serialization=True,
                device_id=backend.device,
                num_streams=lanes,
                fp16=resolved_backend(backend, network, 8).precision != "fp32",
            )
            runners |= {PEER_LUMA: to_null(upscaled), PEER_CLIP: to_null(with_chroma(upscaled, clip))}
        yield [Contestant(ContestantKey(each, name), run) for each, run in runners.items()]


def _in_lanes(pool: ThreadPoolExecutor, works: Sequence[Callable[[], None]], frames: int) -> None:
    """Compute frames on all lanes at the same time."""

    def run(lane: int) -> None:
        for _ in range(lane, frames, len(works)):
            works[lane]()

    list(pool.map(run, range(len(works))))


def _upscale(slot: VulkanSlot, clip: vs.VideoNode, scale: int) -> None:
    source = np.full((clip.height, clip.width), 100, np.uint8)
    slot.upscale(source, np.empty((clip.height * scale, clip.width * scale), np.uint8))
