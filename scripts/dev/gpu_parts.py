"""The parts of a visit to a GPU, each in a process of its own; `scripts/dev/gpu_check` runs them.

    PYTHONPATH=. python scripts/dev/gpu_parts.py slot|ownership|torch|tensorrt|bench

Every part prints a line of JSON per fact, as soon as it is known, and ends with 1 if something is
wrong. They need numpy, onnx, onnxruntime and cuda-bindings, the part torch also PyTorch, and the part
tensorrt one of TensorRT's flavours; neither VapourSynth nor OpenVINO.
"""

import faulthandler
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import onnxruntime
from gpu_facts import HEIGHT, LONG_RUN, QUICK, WIDTH, Outcome, demand, noise, tell, tell_not_run
from gpu_slot_part import part_slot
from onnx import ModelProto

from vs_espcn.bench.gpu_slot import BOUND, GpuCase, operations, slot_runners
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import TensorRT, Torch, gpu_precision
from vs_espcn.runtime.default_backend import probe
from vs_espcn.runtime.engine import Engine, Slot
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.matrix_rate import matrix_rate
from vs_espcn.runtime.precision import resolved_backend
from vs_espcn.runtime.tensorrt import engine as tensorrt_engine
from vs_espcn.runtime.tensorrt.api import EXTRAS
from vs_espcn.runtime.tiling import Tiling

CASES = (
    [GpuCase(scale=2, width=48, height=32)]
    if QUICK
    else [
        GpuCase(scale=2, width=960, height=540, lanes=3),
        GpuCase(scale=2, width=960, height=540, lanes=1),
        GpuCase(scale=2, width=960, height=540, lanes=3, cuda_graph=False),
        GpuCase(scale=3, width=640, height=360, lanes=3),
        GpuCase(scale=4, width=480, height=270, lanes=3),
        GpuCase(scale=2, width=1920, height=1080, lanes=3),
        GpuCase(scale=2, width=960, height=540, bits=10, lanes=3),
    ]
)


def part_ownership() -> None:
    """The TensorRT engine of this package with the tests' fake of TensorRT, whose kernels are copies."""
    from tests.runtime.double import fake_tensorrt  # noqa: PLC0415

    sys.modules["tensorrt"] = fake_tensorrt.module("tensorrt")
    tensorrt_engine.open_gpu = cuda.open_device  # the fake needs no driver of TensorRT's
    device = cuda.open_device(0)
    for cuda_graph in (True, False):
        free = []
        for _ in range(3):
            engine = open_engine(
                TensorRT(precision="fp32", lanes=3, cuda_graph=cuda_graph), model_2x(), lanes=3
            )
            slots = engine.slots
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(partial(run_frames, LONG_RUN // 10), slots, range(3)))
            recorded = [slot._graph is not None for slot in slots]  # type: ignore[attr-defined]
            engine.close()
            del engine, slots
            gc.collect()
            free.append(device.free_memory())
        what = f"the fake of TensorRT, graph {'on' if cuda_graph else 'off'}"
        demand(recorded == [cuda_graph] * 3, f"{what}: recorded", recorded=recorded)
        demand(free[-1] >= free[0], f"{what}: memory is given back", free_mb=[each >> 20 for each in free])


def run_frames(frames: int, slot: Slot, seed: int) -> None:
    target = np.empty((2 * HEIGHT, 2 * WIDTH), np.uint8)
    for number in range(frames):
        slot.upscale(noise(seed + number % 3), target)


def model_2x(sample: graph.SampleFormat = graph.UINT8, scale: int = 2, height: int = HEIGHT) -> ModelProto:
    network = registry.load_network(registry.find("espcn", scale).path)
    return graph.build_graph(network, sample, full_range=False, width=WIDTH, height=height)


def opened(
    backend: TensorRT | Torch, model: ModelProto, depth: int, *, lanes: int, tiling: Tiling | None = None
) -> Engine:
    return open_engine(resolved_backend(backend, model, depth), model, lanes=lanes, tiling=tiling)


def reference(model: ModelProto, codes: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]


def check_engine(name: str, make: Callable[..., TensorRT | Torch]) -> None:
    """Numbers, recording and memory of a backend, if it can run here."""
    try:
        tell(name, devices=probe(make()))
    except BackendError as error:
        tell_not_run(name, error)
        return
    for scale, depth, cuda_graph in ((2, 8, True), (2, 8, False), (3, 8, True), (4, 8, True), (2, 10, True),
                                     (2, 12, True), (2, 16, True)):  # fmt: skip
        sample = graph.UINT8 if depth == 8 else graph.UINT16[depth]
        model, codes = model_2x(sample, scale), noise(depth, sample)
        engine = opened(make(cuda_graph=cuda_graph), model, depth, lanes=1)
        target = np.empty((scale * HEIGHT, scale * WIDTH), sample.dtype)
        for _ in range(3):
            engine.slots[0].upscale(codes, target)
        worst = int(np.abs(target.astype(int) - reference(model, codes)).max())
        recorded = engine.slots[0]._graph is not None  # type: ignore[attr-defined]
        engine.close()
        what = f"x{scale}, {depth} bits, graph {'on' if cuda_graph else 'off'}"
        demand(worst <= {8: 1, 10: 4, 12: 1, 16: 8}[depth], f"{what}: codes from onnxruntime", worst=worst)
        demand(recorded == cuda_graph, f"{what}: recorded", recorded=recorded)
    check_strips(make)
    check_long_run(make)


def check_strips(make: Callable[..., TensorRT | Torch]) -> None:
    tile = HEIGHT // 3 + 8
    radius = reach_of(registry.load_network(registry.find("espcn", 2).path)).radius or 0
    tiling = Tiling(size=(WIDTH, HEIGHT), tile=(WIDTH, tile), radius=radius)
    engine = opened(make(), model_2x(height=tile), 8, lanes=1, tiling=tiling)
    target = np.empty((2 * HEIGHT, 2 * WIDTH), np.uint8)
    engine.slots[0].upscale(noise(0), target)
    worst = int(np.abs(target.astype(int) - reference(model_2x(), noise(0))).max())
    engine.close()
    demand(worst <= 1, f"{len(tiling.tiles)} strips: codes from onnxruntime", worst=worst)


def check_long_run(make: Callable[..., TensorRT | Torch]) -> None:
    device = cuda.open_device(0)
    engine = opened(make(lanes=3), model_2x(), 8, lanes=3)
    sources, target = [noise(seed) for seed in range(5)], np.empty((2 * HEIGHT, 2 * WIDTH), np.uint8)
    results: dict[int, bytes] = {}
    differing, free = 0, 0
    for number in range(LONG_RUN):
        engine.slots[number % 3].upscale(sources[number % 5], target)
        differing += results.setdefault(number % 5, target.tobytes()) != target.tobytes()
        if number == LONG_RUN // 10:
            free = device.free_memory()
    lost = (free - device.free_memory()) >> 20
    engine.close()
    what = f"{LONG_RUN} frames in 3 lanes: as before, and no more memory"
    demand(differing == 0 and lost <= 0, what, differing=differing, lost_mb=lost)


def part_torch() -> None:
    """PyTorch."""
    check_engine("torch", Torch)


def part_tensorrt() -> None:
    """TensorRT's flavours, those that load and support the GPU."""
    for flavour in EXTRAS:
        check_engine(flavour, partial(TensorRT, flavour=flavour))  # type: ignore[arg-type]


def part_bench() -> None:
    """Kernels, copies and slots of every backend that runs, without the filter."""
    for name, backend in {"tensorrt": TensorRT(), "torch": Torch()}.items():
        try:
            probe(backend)
        except BackendError as error:
            tell_not_run(name, error)
            continue
        for case in CASES:
            precision = gpu_precision("auto", case.sample.depth)
            settings = type(backend)(precision=precision, lanes=case.lanes, cuda_graph=case.cuda_graph)
            with slot_runners(case, settings) as runners:
                for row, run in runners.items():
                    tell(
                        f"{name}, {case.label}", row=row, precision=precision, ms=1000 * typical_seconds(run)
                    )
        rate = matrix_rate(backend, "fp16", side=64 if QUICK else None)
        tell(f"{name}, fp16 matrix rate", operations_per_second=rate)
        for case in CASES:
            tell(f"{name}, {case.label}", row=BOUND, precision="fp16", ms=1000 * operations(case) / rate)


def typical_seconds(run: Callable[[int], None]) -> float:
    """Per frame; the median of five rounds."""
    frames = 3 if QUICK else 300
    run(frames)
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        run(frames)
        rounds.append((time.perf_counter() - start) / frames)
    return float(np.median(rounds))


PARTS = {
    "slot": part_slot,
    "ownership": part_ownership,
    "torch": part_torch,
    "tensorrt": part_tensorrt,
    "bench": part_bench,
}


def main(part: str, limit: float) -> int:
    """Run a part; after `limit` seconds it ends with the stacks of all threads."""
    faulthandler.dump_traceback_later(limit, exit=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VS_ESPCN_CACHE"] = folder
        PARTS[part]()
    faulthandler.cancel_dump_traceback_later()
    return int(Outcome.failures > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 300))
