"""How fast the filter is, beside the engine alone and beside vs-mlrt.

Every figure is taken in one run, in interleaved rounds, so that a machine
whose speed drifts slows all contestants alike; ratios are taken round by round.
"""

import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn import graph, models
from vs_espcn.runtime.base import Backend, OpenVINO, lane_count
from vs_espcn.runtime.openvino import raw_runner, resolve_precision
from vs_espcn.video import mlrt
from vs_espcn.video.chroma import find_resizer, scale_chroma
from vs_espcn.video.upscale import upscale

OUTPUT_WIDTH, OUTPUT_HEIGHT = 1920, 1080
RAW = "OpenVINO alone"
FILTER = "vs_espcn.upscale"
PLUGIN = "core.ov.Model alone"
PLUGIN_CLIP = "core.ov.Model and chroma"

Runner = Callable[[int], None]
"""Computes a number of frames."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One contestant's figures.

    Attributes:
        name: What ran.
        scale: Scale of the network; the output is 1920×1080.
        precision: Arithmetic of the network.
        fps: Median of the rounds' frame rates.
        slowest: Frame rate of the slowest round.
        fastest: Frame rate of the fastest round.
        of_raw: Median of the rounds' ratios to the engine alone.
    """

    name: str
    scale: int
    precision: str
    fps: float
    slowest: float
    fastest: float
    of_raw: float


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak resident memory of this process, in MB, early and late in a long run."""

    scale: int
    early_frame: int
    early_mb: float
    last_frame: int
    last_mb: float


def compare(scale: int, backend: OpenVINO, *, frames: int, repeats: int) -> list[Result]:
    """Measure 1080p output at one scale.

    Args:
        scale: Scale of the network.
        backend: Where and how the network runs.
        frames: Frames per contestant and round.
        repeats: Rounds.

    Returns:
        The engine alone, the whole filter, and, where vs-mlrt's plugin is
        installed, the plugin on the same network.
    """
    runners = _runners(scale, backend)
    for run in runners.values():
        run(2 * vs.core.num_threads)
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(repeats):
        for name, run in runners.items():
            start = time.perf_counter()
            run(frames)
            rates[name].append(frames / (time.perf_counter() - start))
    precision = resolve_precision(backend.device, backend.precision)
    return [
        Result(
            name=name,
            scale=scale,
            precision=precision,
            fps=median(of_name),
            slowest=min(of_name),
            fastest=max(of_name),
            of_raw=median(rate / raw for rate, raw in zip(of_name, rates[RAW], strict=True)),
        )
        for name, of_name in rates.items()
    ]


def soak(scale: int, backend: Backend, *, frames: int, early_frame: int = 200) -> Memory:
    """Run the whole filter for long and take its peak memory early and at the end.

    Args:
        scale: Scale of the network.
        backend: Where and how the network runs.
        frames: Length of the run.
        early_frame: Where the first figure is taken.
    """
    clip = upscale(_source(scale, frames), scale, backend=backend)
    early = 0.0
    for number, _ in enumerate(clip.frames(close=True), start=1):
        if number == early_frame:
            early = _peak_mb()
    return Memory(scale=scale, early_frame=early_frame, early_mb=early, last_frame=frames, last_mb=_peak_mb())


def _runners(scale: int, backend: OpenVINO) -> dict[str, Runner]:
    network = models.load_network(models.find("espcn", scale).path)
    clip = _source(scale, 1 << 20)
    wrapped = graph.build_graph(network, graph.UINT8, full_range=False, width=clip.width, height=clip.height)
    runners = {
        RAW: raw_runner(backend, wrapped, lanes=lane_count(backend, vs.core.num_threads)),
        FILTER: to_null(upscale(clip, scale, backend=backend)),
    }
    if mlrt.is_present():
        runners[PLUGIN] = to_null(_plugin_luma(clip, network, backend))
        luma = vs.core.resize.Point(_plugin_luma(clip, network, backend), format=vs.GRAY8)
        planes = scale_chroma(
            clip, luma.width, luma.height, resizer=find_resizer("spline36"), location=vs.CHROMA_LEFT
        )
        runners[PLUGIN_CLIP] = to_null(vs.core.std.ShufflePlanes([luma, *planes], [0, 0, 0], vs.YUV))
    return runners


def _plugin_luma(clip: vs.VideoNode, network: ModelProto, backend: OpenVINO) -> vs.VideoNode:
    """The way of vs-mlrt's users: GRAYS in, GRAYS out."""
    luma = vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)
    return mlrt.model(vs.core.resize.Point(luma, format=vs.GRAYS), network, backend)


def _source(scale: int, frames: int) -> vs.VideoNode:
    """A clip that costs nothing to make: one grey frame, again and again."""
    return vs.core.std.BlankClip(
        width=OUTPUT_WIDTH // scale,
        height=OUTPUT_HEIGHT // scale,
        format=vs.YUV420P8,
        length=frames,
        color=[120, 110, 140],
        keep=True,
    )


def to_null(clip: vs.VideoNode) -> Runner:
    """Ask for frames that were not asked for before, and throw them away."""
    position = 0

    def run(frames: int) -> None:
        nonlocal position
        _exhaust(clip[position : position + frames].frames(close=True))
        position += frames

    return run


def _exhaust(frames: Iterable[vs.VideoFrame]) -> None:
    for _ in frames:
        pass


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
