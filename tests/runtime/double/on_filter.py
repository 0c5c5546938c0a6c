"""The whole filter on a GPU, the choice of the backend, and what PyTorch's says."""

import logging
import subprocess
import sys
from collections import deque

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.engines import open_engine
from tests.runtime.double import fake_tensorrt, fake_torch
from tests.runtime.double.driver import set_
from tests.runtime.double.engines import HEIGHT, WIDTH
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import cuda, default_backend
from vs_espcn.runtime.backends import OpenVINO, TensorRT, Torch
from vs_espcn.runtime.tensorrt import api


class TestFilter:
    def clip(self, length: int = 12) -> vs.VideoNode:
        blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=WIDTH, height=HEIGHT, length=length)
        return vs.core.std.FrameEval(
            blank,
            lambda n: vs.core.std.BlankClip(blank, color=[20 * n % 220 + 16, 128, 128], length=1),
        )

    def test_the_whole_filter_equals_the_cpus(self) -> None:
        on_gpu = vs_espcn.upscale(
            self.clip(), 2, network="espcn", backend=TensorRT(lanes=3, precision="fp32")
        )
        on_cpu = vs_espcn.upscale(self.clip(), 2, network="espcn", backend=OpenVINO(precision="fp32"))
        for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
            assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 1

    def test_sixteen_bits_travel_as_byte_pairs(self) -> None:
        clip = vs.core.resize.Point(self.clip(3), format=vs.YUV444P16)
        on_gpu = vs_espcn.upscale(clip, 2, network="espcn", backend=TensorRT(), tile=(24, 20))
        on_cpu = vs_espcn.upscale(clip, 2, network="espcn", backend=OpenVINO())
        for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
            assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 2

    def test_a_gpu_that_fails_in_mid_stream_is_a_frame_error(self) -> None:
        upscaled = vs_espcn.upscale(self.clip(), 2, network="espcn", backend=TensorRT(lanes=2))
        upscaled.get_frame(0)
        set_("fail_in", 4)
        frames = upscaled.frames(close=True)
        with pytest.raises(vs.Error, match=r"vs_espcn: frame \d+: GPU 0 \(Double 0\) failed"):
            deque(frames, maxlen=0)

    def test_the_best_backend_is_the_gpu(self) -> None:
        default_backend.best_backend.cache_clear()
        assert default_backend.best_backend() == TensorRT()

    def test_the_best_backend_on_a_gpu_that_tensorrt_left_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt.module("tensorrt"))
        fake_torch.install(monkeypatch)
        set_("major", 7)
        set_("minor", 0)
        for cache in (default_backend.best_backend, api.load_api):
            cache.cache_clear()
        try:
            assert default_backend.best_backend() == Torch()
        finally:
            for cache in (default_backend.best_backend, api.load_api):
                cache.cache_clear()

    def test_the_best_backend_is_not_a_gpu_that_another_process_holds(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        set_("exclusive", 1)
        default_backend.best_backend.cache_clear()
        assert default_backend.best_backend() == OpenVINO()
        assert "tensorrt: GPU 0 (Double 0) is held by another process in exclusive mode" in caplog.text
        default_backend.best_backend.cache_clear()

    def test_the_best_backend_without_a_usable_gpu(self, caplog: pytest.LogCaptureFixture) -> None:
        set_("driver", 12040)
        default_backend.best_backend.cache_clear()
        caplog.set_level(logging.INFO)
        assert default_backend.best_backend() == OpenVINO()
        (record,) = caplog.records
        assert "as these cannot run: tensorrt: the NVIDIA driver is too old" in record.getMessage()
        assert "; torch: " in record.getMessage()
        default_backend.best_backend.cache_clear()


def test_errors_name_the_function_and_the_cause() -> None:
    device = cuda.open_device(0)
    with pytest.raises(BackendError, match="cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY"):
        cuda.Resources(device).on_device(1 << 40)


def test_torch_is_asked_only_when_there_is_a_gpu() -> None:
    set_("devices", 0)
    with pytest.raises(BackendError, match="finds no GPU"):
        default_backend.probe(Torch())


def test_a_torch_that_cannot_use_the_gpu_is_one_error() -> None:
    """PyTorch finds no GPU of its own kind behind the double, and warns; the error is enough."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(BackendError, match=r"PyTorch .* (cannot use the GPU|is built without CUDA);"):
        default_backend.probe(Torch())


def test_torch_too_says_that_memory_is_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("vs_espcn.runtime.torch", reason="PyTorch is not installed")
    monkeypatch.setattr(runtime, "check_usable", lambda: None)  # it is not built for CUDA here
    set_("free", 10_000_000)
    network = registry.load_network(registry.find("espcn", 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=400, height=200)
    with pytest.raises(BackendError, match="Double 0 has 9 MB of memory free, but 2 lanes need 31 MB"):
        open_engine(Torch(lanes=2), model, lanes=2, depth=8)


def test_a_script_that_ends_frees_the_gpu() -> None:
    """Also with a clip still set as output, in an interpreter of its own."""
    script = (
        "import atexit, sys\n"
        "from tests.runtime.double import driver, plugin\n"
        "live = driver.get\n"
        "atexit.register(lambda: print(live('live')))\n"
        "import vapoursynth as vs, vs_espcn\n"
        "clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=32, height=20, length=4)\n"
        "clip = vs_espcn.upscale(clip, 2, network='espcn', backend=vs_espcn.TensorRT())\n"
        "clip.set_output()\n"
        "print(live('live') > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
