"""Real builds with TensorRT-RTX, which needs no GPU for them, and what is said where none is."""

import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import vapoursynth as vs

import vs_espcn
from tests.engines import open_engine
from tests.programs import with_our_programs
from tests.runtime.double import fake_tensorrt
from vs_espcn.errors import BackendError, InputError, RuntimeMissingError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import TensorRT, Torch, gpu_precision
from vs_espcn.runtime.cuda_slot import typed_graph
from vs_espcn.runtime.precision import resolved_backend
from vs_espcn.runtime.tensorrt import api, prebuild
from vs_espcn.runtime.tensorrt.api import TensorRTApi, check_capability
from vs_espcn.runtime.tensorrt.build import build_plan, plan_key, source_graph
from vs_espcn.runtime.tiles import tile_for

CAPABILITIES = ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")
SHUFFLE_CLAMP_ROUND = r"Tran.*Resh.*Mul.*MaxMin.*Roun"
"""What the last kernel's name says that it does; the shuffle is a transposition and a reshape."""

VARIANTS = {
    "uint8": (graph.UINT8, False),
    "uint8 full": (graph.UINT8, True),
    "uint10": (graph.UINT16[10], False),
    "uint16 full": (graph.UINT16[16], True),
    "float16": (graph.FLOAT16, True),
    "float32": (graph.FLOAT32, True),
}


@pytest.fixture(scope="module")
def rtx() -> TensorRTApi:
    try:
        return api.load_api("tensorrt_rtx")
    except RuntimeMissingError as error:
        pytest.skip(str(error))


def wrapped(sample: graph.SampleFormat, full_range: bool = False, scale: int = 2) -> onnx.ModelProto:
    network = registry.load_network(registry.find("espcn", scale).path)
    return graph.build_graph(network, sample, full_range=full_range, width=96, height=54)


def kernels(text: str) -> list[str]:
    """The lines of the builder's log that describe the plan's kernels, in order."""
    return re.findall(r"^Name: .*LayerType.*$", text, re.MULTILINE)


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_shuffle_clamp_rounding_and_cast_are_in_the_last_kernel(
    rtx: TensorRTApi, capability: str, precision: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")
    model = typed_graph(wrapped(graph.UINT8), precision)  # type: ignore[arg-type]

    plan = build_plan(rtx, model, capability)

    assert len(plan) > 100_000
    first, *_, last = kernels("\n".join(caplog.messages))
    # On 7.5, fp16 convolutions take 8 channels; the 4 that count are cut out before the last kernel.
    assert len(kernels("\n".join(caplog.messages))) == (
        6 if (capability, precision) == ("7.5", "fp16") else 5
    )
    assert "Inputs: [ { Name: frame, Dimensions: [1,1,54,96]" in first
    assert re.search(rf"^Name: \S*{SHUFFLE_CLAMP_ROUND}Cast", last)
    assert re.search(
        r"Outputs: \[ { Name: upscaled_frame, Dimensions: \[1,1,108,192\].*Datatype: UInt8", last
    )


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", ["espcn-int8", "subpixel-s-int8"])
def test_int8_convolutions_are_int8_kernels(
    rtx: TensorRTApi, capability: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Codes and weights go in; on 7.5 this library restores both and computes in floats."""
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")
    network = registry.load_network(registry.find(name, 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=96, height=54)
    build_plan(rtx, typed_graph(model, "int8"), capability)
    convolutions = re.findall(r"^Name: conv\d+_.*LayerType: correlation.*$", "\n".join(caplog.messages), re.M)
    assert len(convolutions) == sum(node.op_type == "QuantizeLinear" for node in network.graph.node)
    expected = ["Float", "Float"] if capability == "7.5" else ["Int8", "Int8"]
    assert all(re.findall(r"Datatype: (\w+)", line)[:2] == expected for line in convolutions)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_strips_of_a_large_plane_have_the_same_kernels(
    rtx: TensorRTApi, capability: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")
    network = registry.load_network(registry.find("espcn", 2).path)
    width, height = tile_for(TensorRT(precision="fp16"), network, (1920, 1080), lanes=3)
    assert (width, height) == (1920, 276)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)
    build_plan(rtx, typed_graph(model, "fp16"), capability)
    assert len(kernels("\n".join(caplog.messages))) == (6 if capability == "7.5" else 5)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_plans_whose_contexts_allocate_nothing_are_others(
    rtx: TensorRTApi, capability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library takes the flag, and what runs in other programs is built and kept without it."""
    model, flags = typed_graph(wrapped(graph.UINT8), "fp16"), []
    flag = rtx.module.BuilderFlag.REQUIRE_USER_ALLOCATION
    build = rtx.module.Builder.build_serialized_network

    def spy(builder: object, network: object, config: Any) -> Any:
        flags.append(config.get_flag(flag))
        return build(builder, network, config)

    monkeypatch.setattr(rtx.module.Builder, "build_serialized_network", spy)
    for for_others in (False, True):
        assert len(build_plan(rtx, model, capability, for_others=for_others)) > 100_000
    assert flags == [True, False]
    ours, theirs = (
        plan_key(rtx, model, capability, "", for_others=for_others).digest for for_others in (False, True)
    )
    assert ours != theirs


@pytest.mark.parametrize("name", ["espcn", "subpixel-m"])
def test_activations_have_no_kernels_of_their_own(
    rtx: TensorRTApi, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")
    network = registry.load_network(registry.find(name, 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=96, height=54)

    build_plan(rtx, typed_graph(model, "fp16"), "8.9")

    convolutions = [node for node in network.graph.node if node.op_type == "Conv"]
    assert len(kernels("\n".join(caplog.messages))) == len(convolutions) + 2  # samples in, codes out


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_16_bits_are_split_into_bytes_in_the_last_kernel(
    rtx: TensorRTApi, scale: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")

    build_plan(rtx, typed_graph(wrapped(graph.UINT16[16], scale=scale), "fp32"), "8.9")

    *_, last = kernels("\n".join(caplog.messages))
    assert len(kernels("\n".join(caplog.messages))) == 5
    assert re.search(rf"^Name: \S*{SHUFFLE_CLAMP_ROUND}.*Floo.*Conc.*Cast", last)
    assert f"[1,1,{54 * scale},{96 * scale},2]" in last
    assert "UInt8" in last


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_plan_for_any_size_has_the_same_kernels(
    rtx: TensorRTApi, capability: str, precision: str, depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vs_espcn.runtime.tensorrt.messages")
    sample = graph.UINT8 if depth == 8 else graph.UINT16[16]
    backend = TensorRT(precision=precision, max_size=(1920, 1080))  # type: ignore[arg-type]

    plan = build_plan(
        rtx, source_graph(resolved_backend(backend, wrapped(sample), depth), wrapped(sample)), capability
    )

    assert len(plan) > 100_000
    shapes, first, *_, last = kernels("\n".join(caplog.messages))
    assert "LayerType: shape_call" in shapes  # works out sizes; launches nothing
    assert len(kernels("\n".join(caplog.messages))) - 1 == (
        6 if (capability, precision) == ("7.5", "fp16") else 5
    )
    assert "Inputs: [ { Name: frame, Dimensions: [1,1,-1,-1" in first
    assert re.search(rf"^Name: \S*{SHUFFLE_CLAMP_ROUND}.*Cast", last)
    assert re.search(r"Outputs: \[ { Name: upscaled_frame, Dimensions: \[1,1,.*Datatype: UInt8", last)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_every_variant_for_any_size_computes_what_the_graph_does(variant: str, precision: str) -> None:
    sample, full_range = VARIANTS[variant]
    backend = TensorRT(precision=precision, max_size=(640, 360))  # type: ignore[arg-type]
    free = source_graph(resolved_backend(backend, wrapped(sample), sample.depth), wrapped(sample, full_range))
    onnx.checker.check_model(free, full_check=True)
    session = onnxruntime.InferenceSession(free.SerializeToString())
    for width, height in ((96, 54), (1, 1), (33, 70)):
        network = registry.load_network(registry.find("espcn", 2).path)
        model = graph.build_graph(network, sample, full_range=full_range, width=width, height=height)
        frame = (np.random.default_rng(3).random((1, 1, height, width)) * sample.peak).astype(sample.dtype)
        pairs = sample.dtype == np.uint16
        sent = frame.view(np.uint8).reshape(1, 1, height, width, 2) if pairs else frame
        result = session.run(None, {graph.FRAME_NAME: sent})[0]
        result = result.view(np.uint16)[..., 0] if pairs else result
        error = np.abs(result.astype(np.float64) - run(model, frame).astype(np.float64)).max() / sample.peak
        assert error <= (1 / 255 if precision == "fp16" else 1 / sample.peak if sample.depth else 1e-6)


def test_only_planes_within_the_limit_and_limits_that_are_sizes() -> None:
    with pytest.raises(InputError, match="a plane of 96x54 is larger than max_size=96x53; give a larger one"):
        source_graph(TensorRT(precision="fp16", max_size=(96, 53)), wrapped(graph.UINT8))
    for size in ((0, 5), (1920,), "1920x1080", [1920, 1080], (1.5, 2)):
        with pytest.raises(InputError, match=r"max_size is .*; give a width and a height, such as"):
            TensorRT(max_size=size)  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_every_variant_builds(rtx: TensorRTApi, variant: str, precision: str) -> None:
    model = typed_graph(wrapped(*VARIANTS[variant]), precision)  # type: ignore[arg-type]
    assert build_plan(rtx, model, "8.6")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_every_variant_computes_what_the_graph_does(variant: str, precision: str) -> None:
    sample, full_range = VARIANTS[variant]
    model = wrapped(sample, full_range)
    typed = typed_graph(model, precision)  # type: ignore[arg-type]
    onnx.checker.check_model(typed, full_check=True)
    random = np.random.default_rng(3).random((1, 1, 54, 96))
    frame = (random * sample.peak).astype(sample.dtype)
    sent = frame.view(np.uint8).reshape(1, 1, 54, 96, 2) if sample.dtype == np.uint16 else frame

    expected = run(model, frame).astype(np.float64)
    result = run(typed, sent)
    if sample.dtype == np.uint16:
        result = result.view(np.uint16)[..., 0]

    error = np.abs(result.astype(np.float64) - expected).max() / sample.peak
    assert result.dtype == sample.dtype
    assert error <= (1 / 255 if precision == "fp16" else 0 if sample.depth else 1e-6)


def run(model: onnx.ModelProto, frame: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {graph.FRAME_NAME: frame})[0]


def test_auto_precision() -> None:
    assert [gpu_precision("auto", depth) for depth in (8, 10, 12, 16, None)] == [
        *("fp16", "fp16", "fp32", "fp32", "fp32")
    ]
    assert gpu_precision("fp16", 16) == "fp16"


@pytest.mark.parametrize("flavour", ["tensorrt", "tensorrt_rtx"])
def test_plans_are_built_without_tf32(flavour: str) -> None:
    """The fake builder, whose TF32 is on as in TensorRT, builds nothing otherwise."""
    fake = TensorRTApi(fake_tensorrt.module(flavour), flavour)
    assert build_plan(fake, wrapped(graph.UINT8), "8.9")


def test_a_plans_key_follows_all_that_it_is_built_with() -> None:
    """One change at a time; each makes another key."""
    model = wrapped(graph.UINT8)
    library = {"flavour": "tensorrt_rtx", "version": "1.7", "targets": {"8.9": 1}}

    def digest(
        model: onnx.ModelProto = model,
        capability: str = "8.9",
        device: str = "Toaster 3",
        *,
        for_others: bool = False,
        **changes: Any,
    ) -> str:
        described: Any = SimpleNamespace(**library | changes)
        return plan_key(described, model, capability, device, for_others=for_others).digest

    tunes_on_the_gpu: dict[str, Any] = {"flavour": "tensorrt", "targets": None}
    digests = [
        digest(),
        digest(wrapped(graph.UINT16[10])),
        digest(typed_graph(model, "fp16")),
        digest(capability="8.6"),
        digest(for_others=True),
        digest(version="1.8"),
        digest(flavour="tensorrt"),
        digest(**tunes_on_the_gpu),
        digest(**tunes_on_the_gpu, device="Toaster 4"),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(device="Toaster 4") == digest(), "this library's plans are for all GPUs of a capability"


def test_a_graph_that_tensorrt_does_not_take(rtx: TensorRTApi) -> None:
    with pytest.raises(BackendError, match=r"tensorrt_rtx .* cannot read the network: .*data type"):
        build_plan(rtx, wrapped(graph.UINT16[10]), "8.9")


def test_progress_is_told(rtx: TensorRTApi) -> None:
    told: list[tuple[str, float]] = []
    build_plan(rtx, typed_graph(wrapped(graph.UINT8), "fp16"), "8.9", lambda *now: told.append(now))
    assert told
    assert {share for _, share in told} >= {0.0, 1.0}
    assert all(0 <= share <= 1 for _, share in told)


@pytest.mark.usefixtures("no_driver")
class TestWithoutAGpu:
    """What a machine says that has the libraries but no GPU, or not even them."""

    @pytest.mark.parametrize("backend", [TensorRT(), Torch()])
    def test_engines(self, backend: TensorRT | Torch) -> None:
        with pytest.raises(BackendError, match="no NVIDIA driver was found"):
            open_engine(backend, wrapped(graph.UINT8), lanes=1, depth=8)

    def test_filter(self) -> None:
        clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=2)
        with pytest.raises(vs.Error, match=r"^vs_espcn: no NVIDIA driver was found \(libcuda"):
            vs_espcn.upscale(clip, backend=TensorRT())

    def test_script(self, tmp_path: Path) -> None:
        script = tmp_path / "script.vpy"
        script.write_text(
            "import vapoursynth as vs, vs_espcn\n"
            "clip = vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length=3)\n"
            "vs_espcn.upscale(clip, backend=vs_espcn.TensorRT()).set_output()\n"
        )
        vspipe = Path(sys.executable).with_name("vspipe")
        command, env = [vspipe, "-c", "y4m", script, "-"], with_our_programs()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert done.stdout == ""
        assert "Python exception: vs_espcn: no NVIDIA driver was found (libcuda.so.1); install" in done.stderr

    def test_the_driver_is_looked_for_before_tensorrt_is_loaded(self) -> None:
        code = (
            "import sys, vs_espcn\n"
            "from vs_espcn.runtime.default_backend import best_backend\n"
            "assert best_backend() == vs_espcn.OpenVINO()\n"
            "assert not {'tensorrt', 'tensorrt_rtx', 'torch'} & set(sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not done.stderr  # most people have no NVIDIA GPU, and asked for none


class TestApi:
    def test_a_flavour_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        api.load_api.cache_clear()
        with pytest.raises(RuntimeMissingError, match=r"cannot import tensorrt: .*uv sync --extra tensorrt`"):
            api.choose_api("tensorrt", "8.9")

    def test_no_flavour_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in api.EXTRAS:
            monkeypatch.setitem(sys.modules, name, None)
        api.load_api.cache_clear()
        with pytest.raises(RuntimeMissingError, match=r"uv sync --extra tensorrt-rtx`"):
            api.choose_api("auto", "8.9")
        api.load_api.cache_clear()

    @pytest.mark.parametrize("text", ["89", "8,9", "", "sm_89"])
    def test_capabilities_that_are_not(self, text: str) -> None:
        with pytest.raises(InputError, match=r"give it like 8\.9"):
            check_capability(text)


class TestWarm:
    """`vs-espcn build`, for GPUs that are not here."""

    def test_plans_for_other_gpus_are_built_once(self, rtx: TensorRTApi) -> None:
        assert rtx.flavour == "tensorrt_rtx"
        request = prebuild.BuildRequest(
            width=96, height=54, scale=2, capabilities=("8.9", "12.0"), flavour="tensorrt_rtx"
        )
        first = prebuild.build_plans(request)
        assert [plan.key.capability for plan in first] == ["8.9", "8.9", "12.0", "12.0"]
        before = [plan.path.stat().st_mtime_ns for plan in first]
        assert [plan.path.stat().st_mtime_ns for plan in prebuild.build_plans(request)] == before

    def test_a_plan_for_any_size(self, rtx: TensorRTApi) -> None:
        assert rtx.flavour == "tensorrt_rtx"
        (limited, full) = prebuild.build_plans(
            prebuild.BuildRequest(width=1920, height=1080, scale=3, capabilities=("8.9",), any_size=True)
        )
        assert limited.key.title == (
            "sizes up to 1920x1080, x3, 8-bit limited range, fp16, on GPUs of compute capability 8.9"
        )
        assert "full range" in full.key.title

    def test_a_gpu_that_is_not_supported(self, rtx: TensorRTApi) -> None:
        assert rtx.flavour == "tensorrt_rtx"
        request = prebuild.BuildRequest(
            width=96, height=54, scale=2, capabilities=("9.0",), flavour="tensorrt_rtx"
        )
        with pytest.raises(
            BackendError, match=r"does not support GPUs of compute capability 9\.0, only 7\.5, "
        ):
            prebuild.build_plans(request)
