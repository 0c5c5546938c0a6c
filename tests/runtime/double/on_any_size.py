"""One plan for all sizes up to one."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs

import vs_espcn
from tests.engines import open_engine
from tests.runtime.double import fake_tensorrt
from tests.runtime.double.driver import set_
from tests.runtime.double.engines import HEIGHT, WIDTH, engine
from tests.runtime.double.fake_tensorrt import faults
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import OpenVINO, TensorRT
from vs_espcn.runtime.tensorrt import plan_cache, prebuild

ANY = TensorRT(precision="fp32", max_size=(48, 32))


@pytest.mark.parametrize("sample", [graph.UINT8, graph.UINT16[10], graph.FLOAT32])
@pytest.mark.parametrize("cuda_graph", [True, False])
def test_frames_of_every_size_come_from_one_plan(sample: graph.SampleFormat, cuda_graph: bool) -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    for width, height in ((32, 20), (48, 32), (1, 1), (17, 31)):
        model = graph.build_graph(network, sample, full_range=True, width=width, height=height)
        backend = replace(ANY, cuda_graph=cuda_graph)
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
    (stored,) = plan_cache.stored_plans()
    assert stored.key is not None
    assert stored.key.title.startswith("sizes up to 48x32, x2, ")


def test_another_limit_is_another_plan() -> None:
    for backend in (ANY, replace(ANY, max_size=(48, 33)), TensorRT(precision="fp32")):
        engine(backend)
    assert faults["built"] == 3


def test_a_plane_beyond_the_limit_is_an_error() -> None:
    with pytest.raises(InputError, match="a plane of 32x20 is larger than max_size=48x16; give a larger"):
        engine(TensorRT(max_size=(48, 16)))


def test_memory_is_that_of_the_size_in_use() -> None:
    needed = 2 * (WIDTH * HEIGHT * 5 + fake_tensorrt.SCRATCH_BYTES_OF_A_SIZE)
    set_("free", needed - 1)
    with pytest.raises(BackendError, match="2 lanes need"):
        engine(replace(ANY, lanes=2), lanes=2)
    assert len(engine(ANY, lanes=2).slots) == 1
    set_("free", needed)
    assert len(engine(ANY, lanes=2).slots) == 2


def test_a_clip_of_varying_size() -> None:
    blank = vs.core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=6, keep=True)
    sizes = [vs.core.std.BlankClip(blank, width=16 + 2 * n, height=12, color=40 * n) for n in range(6)]
    varying = vs.core.std.FrameEval(vs.core.std.BlankClip(blank, varsize=True), lambda n: sizes[n])
    on_gpu = vs_espcn.upscale(varying, 2, network="espcn", backend=ANY)
    on_cpu = vs_espcn.upscale(varying, 2, network="espcn", backend=OpenVINO(precision="fp32"))
    for gpu, cpu in zip(on_gpu.frames(close=True), on_cpu.frames(close=True), strict=True):
        assert np.abs(np.asarray(gpu[0]).astype(int) - np.asarray(cpu[0])).max() <= 1
    assert faults["built"] == 1


def test_warming_makes_the_plan_that_the_filter_looks_for() -> None:
    stored = prebuild.build_plans(prebuild.BuildRequest(width=48, height=32, scale=2, bits=8, any_size=True))
    assert len(stored) == 2  # limited and full range
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=40, height=30, length=2)
    vs_espcn.upscale(clip, 2, network="espcn", backend=TensorRT(build=False, max_size=(48, 32)))
