"""Measure the filter on a GPU: kernels alone, a slot with its copies, the whole filter, and vs-mlrt.

The contestants of a case run in interleaved rounds, as on the CPU.
"""

import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.bench.gpu_slot import BOUND, SIZES, GpuCase, operations, slot_runners
from vs_espcn.bench.interleaving import Runner, grey_clip, to_null
from vs_espcn.bench.peers import with_chroma
from vs_espcn.errors import BackendError, InputError
from vs_espcn.filter.upscale import upscale
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import TensorRT, Torch, gpu_precision
from vs_espcn.runtime.matrix_rate import matrix_rate
from vs_espcn.runtime.tensorrt.prebuild import plan_for

FILTER = "vs_espcn.upscale"
PEER = "vs-mlrt on the same plan"
PEER_FLOATS = "vs-mlrt with float samples"

_log = logging.getLogger(__name__)

_PLUGINS = {"tensorrt": "trt", "tensorrt_rtx": "trt_rtx"}


@dataclass(frozen=True, kw_only=True)
class GpuResult:
    """A contestant's time per frame (median over rounds), or a lower bound on it."""

    name: str
    case: str
    precision: str
    ms: float
    fps: float


def all_cases(scales: Sequence[int]) -> list[GpuCase]:
    """List every combination of size, depth, lanes and graph at the given scales.

    Raises:
        InputError: There is no case of a scale.
    """
    known = sorted({scale for scale, _, _ in SIZES})
    for scale in scales:
        if scale not in known:
            raise InputError(f"scale {scale} is not measured; choose one of {', '.join(map(str, known))}")
    return [
        GpuCase(scale=scale, width=width, height=height, bits=bits, lanes=lanes, cuda_graph=cuda_graph)
        for (scale, width, height), bits, lanes, cuda_graph in product(
            SIZES, (8, 10), (1, 2, 3, 4), (True, False)
        )
        if scale in scales
    ]


def measure_gpu(
    cases: Sequence[GpuCase], backend: TensorRT | Torch, *, frames: int, repeats: int
) -> Iterator[GpuResult]:
    """Measure the GPU's matrix rate, then every case with `measure`; log what is left out."""
    rates = {
        precision: matrix_rate(backend, precision)
        for precision in {gpu_precision(backend.precision, case.sample.depth) for case in cases}
    }
    if isinstance(backend, TensorRT) and not _peer_is_present():
        _log.warning(
            "not compared with vs-mlrt: its plugin (%s) is not installed", " or ".join(_PLUGINS.values())
        )
    for case in cases:
        rate = rates[gpu_precision(backend.precision, case.sample.depth)]
        try:
            yield from measure(case, backend, rate, frames=frames, repeats=repeats)
        except (BackendError, vs.Error) as error:  # of memory, say; what can be measured is
            _log.warning("not measured: %s: %s", case.label, str(error))


def measure(
    case: GpuCase, backend: TensorRT | Torch, rate: float, *, frames: int, repeats: int
) -> list[GpuResult]:
    """Measure one case.

    Args:
        case: Scale, source, lanes and graph.
        backend: The GPU and the precision; its lanes and graph are the case's.
        rate: The GPU's operations per second in matrix products, in that precision.
        frames: Frames per contestant and round.
        repeats: Rounds.

    Returns:
        Every contestant, and the lower bound that the matrix rate sets for the kernels.

    Raises:
        BackendError: The backend cannot run here.
    """
    backend = replace(backend, lanes=case.lanes, cuda_graph=case.cuda_graph)
    with _runners(case, backend) as runners:
        for run in runners.values():
            run(4 * case.lanes)
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(repeats):
            for name, run in runners.items():
                start = time.perf_counter()
                run(frames)
                seconds[name].append((time.perf_counter() - start) / frames)
    typical = {name: median(of_name) for name, of_name in seconds.items()} | {BOUND: operations(case) / rate}
    precision = gpu_precision(backend.precision, case.sample.depth)
    return [
        GpuResult(
            name=name,
            case=case.label,
            precision=precision,
            ms=1000 * of_name,
            fps=1 / max(of_name, 1e-9),
        )
        for name, of_name in typical.items()
    ]


@contextmanager
def _runners(case: GpuCase, backend: TensorRT | Torch) -> Iterator[dict[str, Runner]]:
    network = registry.load_network(registry.find("espcn", case.scale).path)
    model = graph.build_graph(network, case.sample, full_range=False, width=case.width, height=case.height)
    clip = grey_clip(case.width, case.height, vs.YUV420P8 if case.bits == 8 else vs.YUV420P10)
    with ExitStack() as stack:
        runners = stack.enter_context(slot_runners(case, backend))
        runners[FILTER] = to_null(upscale(clip, case.scale, network="espcn", backend=backend))
        is_comparable = case.bits == 8 and backend.precision != "int8"
        if isinstance(backend, TensorRT) and is_comparable and _peer_is_present():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            floats = graph.build_graph(
                network, graph.FLOAT32, full_range=True, width=case.width, height=case.height
            )
            runners |= _peer(PEER, clip, vs.GRAY8, model, backend, folder / "codes.plan")
            runners |= _peer(PEER_FLOATS, clip, vs.GRAYS, floats, backend, folder / "floats.plan")
        yield runners


def _peer_is_present() -> bool:
    return any(hasattr(vs.core, plugin) for plugin in _PLUGINS.values())


def _peer(
    name: str,
    clip: vs.VideoNode,
    samples: vs.PresetVideoFormat,
    model: ModelProto,
    backend: TensorRT,
    path: Path,
) -> dict[str, Runner]:
    """Make the contestant that does the filter's work with vs-mlrt's plugin, if that accepts our plan."""
    flavour, plan = plan_for(replace(backend, precision=gpu_precision(backend.precision, 8)), model)
    path.write_bytes(plan)
    luma = vs.core.resize.Point(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), format=samples)
    try:
        upscaled = getattr(vs.core, _PLUGINS[flavour]).Model(
            luma, str(path), use_cuda_graph=backend.cuda_graph, num_streams=backend.lanes
        )
        upscaled.get_frame(0)
    except (AttributeError, vs.Error) as error:
        _log.warning("not compared with %s: %s", name, str(error))
        return {}
    return {name: to_null(with_chroma(upscaled, clip))}
