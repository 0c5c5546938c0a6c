"""What slots and engines do on a GPU, shown on the double; run by ``test_double.py``."""

import gc
import logging
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs

import vs_espcn
from tests.runtime.double import fake_tensorrt
from tests.runtime.double.fake_tensorrt import faults
from vs_espcn import graph, models
from vs_espcn.bench import gpu as bench_gpu
from vs_espcn.errors import BackendError, InputError
from vs_espcn.runtime import choice, cuda, plans, tensorrt_api, tiles, warm
from vs_espcn.runtime.base import OpenVINO, TensorRT, Torch, lane_count
from vs_espcn.runtime.matrix_rate import matrix_rate
from vs_espcn.runtime.opening import open_engine
from vs_espcn.runtime.tensorrt import TensorRTEngine

WIDTH, HEIGHT = 32, 20


def get(name: str) -> int:
    return int(fake_tensorrt.libcuda().double_get(name.encode()))


def set_(name: str, value: int) -> None:
    fake_tensorrt.libcuda().double_set(name.encode(), value)


def wrapped(sample: graph.SampleFormat = graph.UINT8) -> graph.ModelProto:
    network = models.load_network(models.find("espcn", 2).path)
    return graph.build_graph(network, sample, full_range=False, width=WIDTH, height=HEIGHT)


def engine(
    backend: TensorRT | None = None, *, lanes: int = 1, sample: graph.SampleFormat = graph.UINT8
) -> TensorRTEngine:
    opened = open_engine(
        backend or TensorRT(precision="fp32"), wrapped(sample), lanes=lanes, depth=sample.depth
    )
    assert isinstance(opened, TensorRTEngine)
    return opened


def noise(seed: int, sample: graph.SampleFormat = graph.UINT8) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, int(sample.peak) + 1, (HEIGHT, WIDTH))
    return values.astype(sample.dtype)


def reference(codes: np.ndarray, sample: graph.SampleFormat = graph.UINT8) -> np.ndarray:
    session = onnxruntime.InferenceSession(wrapped(sample).SerializeToString())
    return session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]


def upscaled(slot: object, codes: np.ndarray) -> np.ndarray:
    target = np.empty((2 * HEIGHT, 2 * WIDTH), codes.dtype)
    slot.upscale(codes, target)  # type: ignore[attr-defined]
    return target


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """Whatever a test allocated on the GPU is freed once nothing refers to it."""
    gc.collect()
    before = get("live")
    yield
    set_("fail_in", 0)
    gc.collect()
    assert get("live") == before


class TestSlot:
    @pytest.mark.parametrize("cuda_graph", [True, False])
    @pytest.mark.parametrize("sample", [graph.UINT8, graph.UINT16[10], graph.UINT16[16], graph.FLOAT32])
    def test_frames_are_right_in_any_sample_format(
        self, cuda_graph: bool, sample: graph.SampleFormat
    ) -> None:
        opened = engine(TensorRT(precision="fp32", cuda_graph=cuda_graph), sample=sample)
        for seed in range(3):
            codes = noise(seed, sample) if sample.depth else (noise(seed) / 255).astype(np.float32)
            if sample.depth:
                difference = np.abs(upscaled(opened.slots[0], codes).astype(int) - reference(codes, sample))
                assert difference.max() <= 1
            else:
                assert np.allclose(upscaled(opened.slots[0], codes), reference(codes, sample), atol=1e-5)

    def test_nothing_is_allocated_per_frame(self) -> None:
        slots = engine(lanes=2).slots
        before = get("allocations")
        for seed in range(20):
            upscaled(slots[seed % 2], noise(seed))
        assert get("allocations") == before

    def test_a_frame_is_one_launch_and_one_wait(self) -> None:
        (slot,) = engine().slots
        before = {name: get(name) for name in ("launches", "waits", "copies")}
        upscaled(slot, noise(0))
        assert {name: get(name) - count for name, count in before.items()} == {
            "launches": 1,
            "waits": 1,
            "copies": 2,
        }

    def test_without_a_graph_there_are_no_launches(self) -> None:
        (slot,) = engine(TensorRT(cuda_graph=False)).slots
        before = get("launches")
        upscaled(slot, noise(0))
        assert get("launches") == before

    @pytest.mark.parametrize("fault", ["fail_capture", "capturable"])
    def test_what_cannot_be_recorded_runs_without_a_graph(
        self, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        if fault == "capturable":
            faults[fault] = True
        else:
            set_(fault, 1)
        (slot,) = engine().slots
        assert "running without a CUDA graph: " in caplog.text
        assert np.abs(upscaled(slot, noise(1)).astype(int) - reference(noise(1))).max() <= 1

    @pytest.mark.parametrize("cuda_graph", [True, False])
    @pytest.mark.parametrize("operation", [1, 2, 3])
    def test_a_failing_gpu_is_an_error_and_never_a_frame(self, cuda_graph: bool, operation: int) -> None:
        (slot,) = engine(TensorRT(cuda_graph=cuda_graph)).slots
        upscaled(slot, noise(0))
        set_("fail_in", operation)
        target = np.full((2 * HEIGHT, 2 * WIDTH), 7, np.uint8)
        with pytest.raises(BackendError, match=r"GPU 0 \(Double 0\) failed: CUDA: .*ILLEGAL_ADDRESS"):
            slot.upscale(noise(1), target)
        assert (target == 7).all()
        set_("fail_in", 0)
        with pytest.raises(BackendError, match="ILLEGAL_ADDRESS"):
            slot.upscale(noise(2), target)
        assert (target == 7).all()

    def test_an_engine_that_fails_is_an_error(self) -> None:
        (slot,) = engine(TensorRT(cuda_graph=False)).slots
        faults["enqueue"] = "the kernel is gone"
        with pytest.raises(BackendError, match="failed while running: the kernel is gone"):
            upscaled(slot, noise(0))

    def test_close_frees_everything_and_may_be_repeated(self) -> None:
        opened = engine(lanes=3)
        opened.close()
        opened.close()
        live = get("live")
        with pytest.raises(BackendError, match="closed"):
            upscaled(opened.slots[1], noise(0))
        del opened
        gc.collect()
        assert get("live") == live - 1  # the context


class TestDevices:
    def test_lanes_go_round_the_devices(self) -> None:
        opened = engine(TensorRT(device=[1, 0], precision="fp32"), lanes=3)
        assert [slot._device.index for slot in opened.slots] == [1, 0, 1]
        assert "Double 1 (1), Double 0 (0), fp32, 3 lanes" in opened.description
        assert lane_count(TensorRT(device=[0, 1]), 8) == 4

    def test_a_device_that_is_not_there(self) -> None:
        with pytest.raises(BackendError, match="there is no GPU 5; present are 0 to 1"):
            engine(TensorRT(device=5))

    def test_too_little_memory_is_said_before_anything_is_allocated(self) -> None:
        set_("free", 10_000)
        before = get("allocations")
        with pytest.raises(BackendError, match="Double 0 has 0 MB of memory free, but 2 lanes need 1 MB"):
            engine(lanes=2)
        assert get("allocations") == before

    def test_an_old_driver(self) -> None:
        set_("driver", 12040)
        with pytest.raises(
            BackendError, match=r"driver is too old: it supports CUDA 12\.4, needed is 13\.0 or newer"
        ):
            engine()

    def test_a_driver_without_a_gpu(self) -> None:
        set_("devices", 0)
        with pytest.raises(BackendError, match=r"the NVIDIA driver finds no GPU"):
            engine()

    @pytest.mark.parametrize("flavour", ["auto", "tensorrt_rtx"])
    def test_hopper(self, flavour: str) -> None:
        set_("major", 9)
        set_("minor", 0)
        with pytest.raises(
            BackendError,
            match=r"tensorrt_rtx .* does not support GPUs of compute capability 9\.0, only 7\.5, .*12\.0;",
        ):
            engine(TensorRT(flavour=flavour))  # type: ignore[arg-type]


class TestPlans:
    def test_a_plan_is_built_once(self, caplog: pytest.LogCaptureFixture) -> None:
        engine()
        engine(lanes=2)
        engine(TensorRT(device=1, precision="fp32"))  # plans of this flavour are for all GPUs of a capability
        assert faults["built"] == 1
        (stored,) = plans.stored_plans()
        assert stored.key is not None
        assert (
            stored.key.title == "32x20 to 64x40, 8-bit limited range, fp32, on GPUs of compute capability 8.9"
        )
        assert caplog.text.count("building a plan") == 1

    def test_another_precision_format_or_gpu_is_another_plan(self) -> None:
        engine(TensorRT(precision="fp16"))
        engine(TensorRT(precision="fp32"))
        engine(sample=graph.UINT16[10])
        set_("minor", 6)
        engine()
        assert len(plans.stored_plans()) == 4

    @pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
    def test_a_damaged_plan_is_rebuilt_and_it_is_said_why(
        self, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine()
        (stored,) = plans.stored_plans()
        content = stored.path.read_bytes()
        stored.path.write_bytes({"truncated": content[:-9], "foreign": b"{}\n", "empty": b""}[damage])
        caplog.clear()
        upscaled(engine().slots[0], noise(0))
        assert faults["built"] == 2
        assert caplog.text.count("building a plan") == 1
        assert "the stored " in caplog.text
        assert stored.path.read_bytes() == content

    def test_a_plan_that_does_not_load_is_rebuilt_once(self) -> None:
        engine()
        faults["validity"] = True
        with pytest.raises(BackendError, match=r"OLD_CUDA_DRIVER.*although it was just built for Double 0"):
            engine()
        assert faults["built"] == 2

    def test_building_may_be_forbidden(self) -> None:
        with pytest.raises(BackendError, match=r"no plan for 32x20 to 64x40, .* warm the cache with"):
            engine(TensorRT(build=False))

    def test_a_build_that_fails_says_what_tensorrt_says(self) -> None:
        faults["build"] = "no tactic for conv1"
        with pytest.raises(BackendError, match="cannot build the network: no tactic for conv1"):
            engine()

    def test_the_other_flavour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It has no targets and no validity: a plan is for one GPU by name, and loading it is the test."""
        monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt.module("tensorrt"))
        tensorrt_api.load_api.cache_clear()
        try:
            opened = engine()
            assert opened.description.startswith("tensorrt 0.double on Double 0")
            assert "compiled" not in faults  # its plans hold kernels
            engine(TensorRT(precision="fp32", max_size=(40, 30)))
            assert faults.pop("built") == 2
            plans.clear()
            engine()
            assert "on Double 0 of compute capability 8.9" in str(plans.stored_plans()[0].key)
            faults["deserialize"] = True
            with pytest.raises(BackendError, match="the plan is not understood"):
                engine()
            assert faults["built"] == 2
        finally:
            tensorrt_api.load_api.cache_clear()


class TestAnySize:
    """One plan for all sizes up to one."""

    ANY = TensorRT(precision="fp32", max_size=(48, 32))

    @pytest.mark.parametrize("sample", [graph.UINT8, graph.UINT16[10], graph.FLOAT32])
    @pytest.mark.parametrize("cuda_graph", [True, False])
    def test_frames_of_every_size_come_from_one_plan(
        self, sample: graph.SampleFormat, cuda_graph: bool
    ) -> None:
        network = models.load_network(models.find("espcn", 2).path)
        for width, height in ((32, 20), (48, 32), (1, 1), (17, 31)):
            model = graph.build_graph(network, sample, full_range=True, width=width, height=height)
            backend = replace(self.ANY, cuda_graph=cuda_graph)
            opened = open_engine(backend, model, lanes=2, depth=sample.depth)
            codes = (np.random.default_rng(width).random((height, width)) * sample.peak).astype(sample.dtype)
            session = onnxruntime.InferenceSession(model.SerializeToString())
            expected = session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]
            for slot in opened.slots:
                target = np.empty((2 * height, 2 * width), sample.dtype)
                slot.upscale(codes, target)
                error = np.abs(target.astype(float) - expected.astype(float)).max()
                assert error <= (1 if sample.depth else 1e-5)
            opened.close()
        assert faults["built"] == 1
        (stored,) = plans.stored_plans()
        assert stored.key is not None
        assert stored.key.title.startswith("sizes up to 48x32, x2, ")

    def test_another_limit_is_another_plan(self) -> None:
        for backend in (self.ANY, replace(self.ANY, max_size=(48, 33)), TensorRT(precision="fp32")):
            engine(backend)
        assert faults["built"] == 3

    def test_a_plane_beyond_the_limit_is_an_error(self) -> None:
        with pytest.raises(InputError, match="a plane of 32x20 is larger than max_size=48x16; give a larger"):
            engine(TensorRT(max_size=(48, 16)))

    def test_memory_is_that_of_the_size_in_use(self) -> None:
        needed = 2 * (WIDTH * HEIGHT * 5 + fake_tensorrt.SCRATCH_BYTES_OF_A_SIZE)
        set_("free", needed - 1)
        with pytest.raises(BackendError, match="2 lanes need"):
            engine(self.ANY, lanes=2)
        set_("free", needed)
        engine(self.ANY, lanes=2)

    def test_a_clip_of_varying_size(self) -> None:
        blank = vs.core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=6, keep=True)
        sizes = [vs.core.std.BlankClip(blank, width=16 + 2 * n, height=12, color=40 * n) for n in range(6)]
        varying = vs.core.std.FrameEval(vs.core.std.BlankClip(blank, varsize=True), lambda n: sizes[n])
        on_gpu = vs_espcn.upscale(varying, 2, backend=self.ANY)
        on_cpu = vs_espcn.upscale(varying, 2, backend=OpenVINO(precision="fp32"))
        for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
            assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 1
        assert faults["built"] == 1

    def test_warming_makes_the_plan_that_the_filter_looks_for(self) -> None:
        stored = warm.warm(warm.Job(width=48, height=32, scale=2, bits=8, any_size=True))
        assert len(stored) == 2  # limited and full range
        clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=40, height=30, length=2)
        vs_espcn.upscale(clip, 2, backend=TensorRT(build=False, max_size=(48, 32)))


class TestKernels:
    """What TensorRT-RTX compiles when contexts are made."""

    def test_they_are_compiled_once_and_kept(self) -> None:
        for _ in range(3):
            upscaled(engine(lanes=2).slots[1], noise(0))
        assert faults["compiled"] == 1
        (stored,) = plans.plans_dir().glob("*.kernels")
        assert b'"device": "Double 0"' in stored.read_bytes()

    def test_each_kind_of_gpu_has_its_own(self) -> None:
        engine(TensorRT(device=[0, 1]), lanes=2)
        assert faults["built"] == 1
        assert len([*plans.plans_dir().glob("*.kernels")]) == 2

    @pytest.mark.parametrize("damage", ["refused", "truncated"])
    def test_what_cannot_be_used_is_compiled_again(self, damage: str) -> None:
        engine()
        (stored,) = plans.plans_dir().glob("*.kernels")
        content = stored.read_bytes()
        if damage == "refused":
            faults["kernels"] = True
        else:
            stored.write_bytes(content[:-2])
        assert np.abs(upscaled(engine().slots[0], noise(0)).astype(int) - reference(noise(0))).max() <= 1
        assert faults["compiled"] == 2
        assert stored.read_bytes() == content

    def test_clearing_deletes_them_too(self) -> None:
        engine()
        assert plans.clear() == 1
        assert not [*plans.plans_dir().glob("*.kernels")]


class TestFilter:
    def clip(self, length: int = 12) -> vs.VideoNode:
        blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=WIDTH, height=HEIGHT, length=length)
        return vs.core.std.FrameEval(
            blank,
            lambda n: vs.core.std.BlankClip(blank, color=[20 * n % 220 + 16, 128, 128], length=1),
        )

    def test_the_whole_filter_equals_the_cpus(self) -> None:
        on_gpu = vs_espcn.upscale(self.clip(), 2, backend=TensorRT(lanes=3, precision="fp32"))
        on_cpu = vs_espcn.upscale(self.clip(), 2, backend=OpenVINO(precision="fp32"))
        for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
            assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 1

    def test_sixteen_bits_travel_as_byte_pairs(self) -> None:
        clip = vs.core.resize.Point(self.clip(3), format=vs.YUV444P16)
        on_gpu = vs_espcn.upscale(clip, 2, backend=TensorRT(), tile=(24, 20))
        on_cpu = vs_espcn.upscale(clip, 2, backend=OpenVINO())
        for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
            assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 2

    def test_a_gpu_that_fails_in_mid_stream_is_a_frame_error(self) -> None:
        upscaled = vs_espcn.upscale(self.clip(), 2, backend=TensorRT(lanes=2))
        upscaled.get_frame(0)
        set_("fail_in", 4)
        frames = upscaled.frames(close=True)
        with pytest.raises(vs.Error, match=r"vs_espcn: frame \d+: GPU 0 \(Double 0\) failed"):
            deque(frames, maxlen=0)

    def test_the_best_backend_is_the_gpu(self) -> None:
        choice.best_backend.cache_clear()
        assert choice.best_backend() == TensorRT()

    def test_the_best_backend_without_a_usable_gpu(self, caplog: pytest.LogCaptureFixture) -> None:
        set_("driver", 12040)
        choice.best_backend.cache_clear()
        caplog.set_level(logging.INFO)
        assert choice.best_backend() == OpenVINO()
        (record,) = caplog.records
        assert "out are tensorrt and torch: the NVIDIA driver is too old" in record.getMessage()
        choice.best_backend.cache_clear()


@pytest.mark.parametrize("bits", [8, 10])
def test_the_benchmark_runs(bits: int) -> None:
    case = bench_gpu.Case(scale=2, width=WIDTH, height=HEIGHT, bits=bits, lanes=2)
    results = bench_gpu.measure(case, TensorRT(), 1e9, frames=3, repeats=1)
    assert [result.name for result in results] == [
        *(bench_gpu.KERNELS, bench_gpu.COPIES, bench_gpu.SLOT, bench_gpu.FILTER, bench_gpu.BOUND)
    ]
    assert results[-1].ms == pytest.approx(2 * 21184 * WIDTH * HEIGHT / 1e9 * 1000)
    assert all(result.fps > 0 for result in results)
    assert results[0].case == f"32x20 x2, {bits} bits, 2 lanes, graph on"


def test_the_benchmark_has_a_plugin_beside_us(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A double of vs-mlrt's, which is given our plans; one that refuses them is left out, with a line."""
    seen = []

    def model(luma: vs.VideoNode, engine_path: str, **options: object) -> vs.VideoNode:
        seen.append((luma.format.id, Path(engine_path).read_bytes()[:4], options))
        if refused and luma.format.id == vs.GRAYS:
            raise vs.Error("the engine is of another version")
        return vs.core.resize.Point(luma, width=2 * luma.width, height=2 * luma.height)

    class Core:
        trt_rtx = SimpleNamespace(Model=model)

        def __getattr__(self, name: str) -> object:
            return getattr(vs.core, name)

    monkeypatch.setattr(bench_gpu, "vs", SimpleNamespace(**{**vars(vs), "core": Core()}))
    case = bench_gpu.Case(scale=2, width=WIDTH, height=HEIGHT, lanes=3)
    refused = False
    rows = bench_gpu.measure(case, TensorRT(), 1e9, frames=2, repeats=1)
    assert {bench_gpu.PEER, bench_gpu.PEER_FLOATS} < {row.name for row in rows}
    options = {"use_cuda_graph": True, "num_streams": 3}
    assert seen == [(vs.GRAY8, b"plan", options), (vs.GRAYS, b"plan", options)]
    refused = True
    rows = bench_gpu.measure(case, TensorRT(), 1e9, frames=2, repeats=1)
    assert bench_gpu.PEER_FLOATS not in {row.name for row in rows}
    assert "not compared with vs-mlrt with float samples: the engine is of another version" in caplog.text


def test_a_case_that_cannot_run_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bench_gpu, "matrix_rate", lambda *_: 1e9)
    set_("free", 1_000_000)
    cases = [bench_gpu.Case(scale=2, width=side, height=side) for side in (16, 1000)]
    rows = [*bench_gpu.compare(cases, TensorRT(), frames=2, repeats=1)]
    assert {row.case for row in rows} == {"16x16 x2, 8 bits, 2 lanes, graph on"}
    assert "not compared with vs-mlrt: its plugin (trt or trt_rtx) is not installed" in caplog.text
    assert "not measured: 1000x1000 x2, 8 bits, 2 lanes, graph on: Double 0 has 0 MB" in caplog.text


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_the_matrix_rate_goes_through_the_same_engine(precision: str) -> None:
    assert 1e6 < matrix_rate(TensorRT(), precision, side=64) < 1e15  # type: ignore[arg-type]
    (stored,) = plans.stored_plans()
    assert stored.key is not None
    assert stored.key.title.startswith(f"64x64 to 64x64, 8-bit limited range, {precision}")


def test_warming_makes_the_plans_that_the_filter_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "GPU_LANE_BUDGET", 2_000_000)  # the clip is too large to go in one piece
    stored = warm.warm(warm.Job(width=160, height=100, scale=2, bits=10))
    assert len(stored) == 2
    assert stored[0].key is not None
    assert not stored[0].key.title.startswith("160x100")
    clip = vs.core.std.BlankClip(format=vs.YUV420P10, width=160, height=100, length=8)
    vs_espcn.upscale(clip, 2, backend=TensorRT(build=False))


def test_errors_name_the_function_and_the_cause() -> None:
    device = cuda.Device(0)
    with pytest.raises(BackendError, match="cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY"):
        cuda.Resources(device).on_device(1 << 40)


def test_torch_is_asked_only_when_there_is_a_gpu() -> None:
    set_("devices", 0)
    with pytest.raises(BackendError, match="finds no GPU"):
        choice.probe(Torch())


def test_a_torch_that_cannot_use_the_gpu_is_one_error() -> None:
    """PyTorch finds no GPU of its own kind behind the double, and warns; the error is enough."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(BackendError, match=r"PyTorch .* (cannot use the GPU|is built without CUDA);"):
        choice.probe(Torch())


def test_torch_too_says_that_memory_is_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("vs_espcn.runtime.torch", reason="PyTorch is not installed")
    monkeypatch.setattr(runtime, "check_usable", lambda: None)  # it is not built for CUDA here
    set_("free", 10_000_000)
    network = models.load_network(models.find("espcn", 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=400, height=200)
    with pytest.raises(BackendError, match="Double 0 has 9 MB of memory free, but 2 lanes need 31 MB"):
        open_engine(Torch(), model, lanes=2, depth=8)


def test_a_script_that_ends_frees_the_gpu() -> None:
    """Also with a clip still set as output, in an interpreter of its own."""
    script = (
        "import atexit, sys\n"
        "from tests.runtime.double import fake_tensorrt, plugin\n"
        "live = fake_tensorrt.libcuda().double_get\n"
        "atexit.register(lambda: print(live(b'live')))\n"
        "import vapoursynth as vs, vs_espcn\n"
        "clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=32, height=20, length=4)\n"
        "clip = vs_espcn.upscale(clip, 2, backend=vs_espcn.TensorRT())\n"
        "clip.set_output()\n"
        "print(live(b'live') > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
