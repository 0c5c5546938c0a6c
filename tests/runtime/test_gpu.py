"""What only a GPU can show. `scripts/dev/gpu_check` runs these and writes a report."""

import time
from collections.abc import Iterator
from statistics import median

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs

import vs_espcn
from tests.engines import open_engine
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import OpenVINO, TensorRT, Torch
from vs_espcn.runtime.default_backend import probe
from vs_espcn.runtime.tensorrt import plan_cache

pytestmark = pytest.mark.gpu

BACKENDS = [
    *(pytest.param(TensorRT(flavour=flavour), id=flavour) for flavour in ("tensorrt", "tensorrt_rtx")),  # type: ignore[arg-type]
    pytest.param(Torch(), id="torch"),
]
WIDTH, HEIGHT = 320, 180


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> TensorRT | Torch:
    chosen: TensorRT | Torch = request.param
    try:
        probe(chosen)
    except BackendError as error:
        pytest.skip(str(error))
    return chosen


@pytest.fixture
def free_memory() -> Iterator[None]:
    """At the end as much of the GPU's memory is free as at the start, but for what libraries keep."""
    from vs_espcn.runtime import cuda  # noqa: PLC0415 - needs cuda-bindings

    try:
        device = cuda.open_device(0)
    except BackendError as error:
        pytest.skip(str(error))
    before = device.free_memory()
    yield
    assert before - device.free_memory() < 64 << 20


def settings(backend: TensorRT | Torch, **changes: object) -> TensorRT | Torch:
    return type(backend)(**{**vars(backend), **changes})


def wrapped(sample: graph.SampleFormat, scale: int = 2) -> graph.ModelProto:
    network = registry.load_network(registry.find("espcn", scale).path)
    return graph.build_graph(network, sample, full_range=False, width=WIDTH, height=HEIGHT)


def upscaled(backend: TensorRT | Torch, model: graph.ModelProto, codes: np.ndarray, depth: int) -> np.ndarray:
    engine = open_engine(backend, model, lanes=1, depth=depth)
    (_, _, height, width) = (dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim)
    target = np.empty((height, width), codes.dtype)
    for _ in range(3):  # the first launches of a graph too
        engine.slots[0].upscale(codes, target)
    engine.close()
    return target


def noise(sample: graph.SampleFormat, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, int(sample.peak) + 1, (HEIGHT, WIDTH))
    return values.astype(sample.dtype)


def reference(model: graph.ModelProto, codes: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]


@pytest.mark.parametrize("cuda_graph", [True, False], ids=["graph", "no graph"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_8_bits_are_within_one_code_of_the_cpu(
    backend: TensorRT | Torch, scale: int, cuda_graph: bool
) -> None:
    model, codes = wrapped(graph.UINT8, scale), noise(graph.UINT8)
    result = upscaled(settings(backend, cuda_graph=cuda_graph), model, codes, 8)
    assert np.abs(result.astype(int) - reference(model, codes)).max() <= 1


@pytest.mark.parametrize("depth", [10, 12, 16])
def test_deeper_codes_are_as_exact(backend: TensorRT | Torch, depth: int) -> None:
    sample = graph.UINT16[depth]
    model, codes = wrapped(sample), noise(sample)
    result = upscaled(backend, model, codes, depth)
    difference = np.abs(result.astype(int) - reference(model, codes))
    assert difference.max() <= {10: 4, 12: 1, 16: 8}[depth]  # fp16 up to 10 bits, then fp32


def test_the_frame_is_recorded(backend: TensorRT | Torch, caplog: pytest.LogCaptureFixture) -> None:
    engine = open_engine(backend, wrapped(graph.UINT8), lanes=2, depth=8)
    assert "running without a CUDA graph" not in caplog.text
    engine.close()


@pytest.mark.usefixtures("free_memory")
def test_a_long_run_is_right_and_takes_no_more_memory(backend: TensorRT | Torch) -> None:
    from vs_espcn.runtime import cuda  # noqa: PLC0415 - needs cuda-bindings

    sources = [noise(graph.UINT8, seed) for seed in range(5)]
    engine = open_engine(backend, wrapped(graph.UINT8), lanes=2, depth=8)
    device, target = cuda.open_device(0), np.empty((2 * HEIGHT, 2 * WIDTH), np.uint8)
    results: dict[int, bytes] = {}
    free = 0
    for number in range(2000):
        engine.slots[number % 2].upscale(sources[number % 5], target)
        assert results.setdefault(number % 5, target.tobytes()) == target.tobytes()
        if number == 100:
            free = device.free_memory()
    assert device.free_memory() >= free
    engine.close()


def test_the_whole_filter_equals_the_cpus(backend: TensorRT | Torch) -> None:
    noise_clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=WIDTH, height=HEIGHT, length=20)
    clip = vs.core.std.FrameEval(
        noise_clip, lambda n: vs.core.std.BlankClip(noise_clip, color=[16 + 10 * n, 128, 128], length=1)
    )
    on_gpu = vs_espcn.upscale(clip, 2, network="espcn", backend=settings(backend, lanes=3))
    on_cpu = vs_espcn.upscale(clip, 2, network="espcn", backend=OpenVINO(precision="fp32"))
    for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
        assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 1


def test_lanes_go_round_the_devices(backend: TensorRT | Torch) -> None:
    if not isinstance(backend, TensorRT):
        pytest.skip("PyTorch runs on one device")
    devices = [0, 0]
    engine = open_engine(settings(backend, device=devices), wrapped(graph.UINT8), lanes=4, depth=8)
    assert len(engine.slots) == 4
    engine.close()


def test_one_plan_serves_many_sizes(backend: TensorRT | Torch) -> None:
    if not isinstance(backend, TensorRT):
        pytest.skip("PyTorch has no plans")
    network = registry.load_network(registry.find("espcn", 2).path)
    for width, height in ((WIDTH, HEIGHT), (64, 48), (1, 1), (319, 7)):
        model = graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)
        codes = np.random.default_rng(width).integers(0, 256, (height, width), dtype=np.uint8)
        result = upscaled(settings(backend, max_size=(WIDTH, HEIGHT)), model, codes, 8)
        assert np.abs(result.astype(int) - reference(model, codes)).max() <= 1
    assert len(plan_cache.stored_plans()) == 1


def test_compiled_kernels_are_kept_and_read(
    backend: TensorRT | Torch, caplog: pytest.LogCaptureFixture
) -> None:
    if not isinstance(backend, TensorRT) or backend.flavour != "tensorrt_rtx":
        pytest.skip("only TensorRT-RTX compiles kernels when it makes contexts")
    model, codes = wrapped(graph.UINT8), noise(graph.UINT8)
    first = upscaled(backend, model, codes, 8)
    (stored,) = plan_cache.plans_dir().glob("*.kernels")
    written = stored.stat().st_mtime_ns
    caplog.set_level("INFO")
    assert np.array_equal(upscaled(backend, model, codes, 8), first)
    assert "no kernels for" not in caplog.text
    assert stored.stat().st_mtime_ns == written  # they were accepted, and nothing was compiled beside them


def test_too_many_lanes_are_refused_with_a_clear_text(backend: TensorRT | Torch) -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    huge = graph.build_graph(network, graph.UINT8, full_range=False, width=7680, height=4320)
    with pytest.raises(BackendError, match=r"memory free, but \d+ lanes need|out of memory"):
        open_engine(settings(backend, lanes=64), huge, lanes=64, depth=8)


def test_a_cached_plan_starts_in_a_second(backend: TensorRT | Torch) -> None:
    if not isinstance(backend, TensorRT):
        pytest.skip("PyTorch has no plans")
    times = []
    for _ in range(4):
        start = time.perf_counter()
        open_engine(backend, wrapped(graph.UINT8), lanes=2, depth=8).close()
        times.append(time.perf_counter() - start)
    assert median(times[1:]) < 1
