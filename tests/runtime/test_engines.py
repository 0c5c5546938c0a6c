"""One suite over every engine: what the filter relies on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.engines import open_engine
from tests.hardware import needs_bf16, needs_exact_int8
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import (
    Backend,
    OpenVINO,
    TensorRT,
    Torch,
    Vulkan,
    backend_from_name,
    lane_count,
    lane_rule,
)
from vs_espcn.runtime.engine import Engine
from vs_espcn.runtime.precision import network_for
from vs_espcn.runtime.tiling import Tiling

# Codes that a backend may differ by from onnxruntime's float32: rounding can tip at fp32;
# bf16 has 8 bits of mantissa, as many as a code. At int8 both round alike inside the network,
# but where a sum lies halfway between two codes.
TOLERANCE = {"fp32": 1, "fp16": 1, "bf16": 3, "int8": 1}


def bf16_tolerance(model: graph.ModelProto) -> int:
    """Codes that bf16 may cost a network on noise, the worst that it can be given, by its depth.

    Every convolution rounds its input and its output once more. Emulated by onnxruntime
    (`test_bf16_costs_what_its_depth_allows`), the worst of 3 convolutions is 3 codes, of 7 to 11
    it is 5, of 19 it is 10.
    """
    depth = sum(node.op_type == "Conv" for node in model.graph.node)
    return 3 if depth <= 3 else 6 if depth <= 11 else 12


def tolerance(backend: Backend, model: graph.ModelProto) -> int:
    """Codes that a backend may differ by on noise."""
    if backend.precision == "bf16":
        return bf16_tolerance(model)
    # Stored in fp16 after each layer: up to 1.4 codes before rounding.
    return 2 if backend == Vulkan(precision="fp16") else TOLERANCE[backend.precision]


DEFAULT = OpenVINO()
SPEC = registry.find("espcn", 2)
FLOAT_NETWORKS = [spec for spec in registry.shipped() if not spec.is_int8]

BACKENDS = [
    pytest.param(OpenVINO(precision="fp32"), id="openvino-fp32"),
    pytest.param(OpenVINO(precision="bf16"), id="openvino-bf16", marks=needs_bf16),
    pytest.param(OpenVINO(precision="int8"), id="openvino-int8", marks=needs_exact_int8),
    pytest.param(TensorRT(precision="fp32"), id="tensorrt-fp32"),
    pytest.param(TensorRT(precision="fp16"), id="tensorrt-fp16"),
    pytest.param(TensorRT(precision="int8"), id="tensorrt-int8"),
    pytest.param(TensorRT(precision="fp32", max_size=(160, 90)), id="tensorrt-any-size"),
    pytest.param(Torch(precision="fp32"), id="torch-fp32"),
    pytest.param(Torch(precision="fp16"), id="torch-fp16"),
    pytest.param(Vulkan(precision="fp32"), id="vulkan-fp32"),
    pytest.param(Vulkan(precision="fp16"), id="vulkan-fp16"),
]


def skip_unless_usable(backend: Backend) -> None:
    """Skip a GPU's engine where there is none; OpenVINO's precisions are marked by the hardware."""
    if isinstance(backend, OpenVINO):
        return
    try:
        open_engine(backend, wrapped(2, 8, 8, backend), lanes=1, depth=8)
    except BackendError as error:
        pytest.skip(str(error))


def wrapped(
    scale: int, width: int, height: int, backend: Backend = DEFAULT, network_name: str = "espcn"
) -> graph.ModelProto:
    network = network_for(registry.find(network_name, scale), backend)
    return graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)


def reference(model: graph.ModelProto, codes: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(deadline=None, max_examples=15)
@given(
    spec=st.sampled_from(FLOAT_NETWORKS),
    width=st.integers(1, 150),
    height=st.integers(1, 80),
    seed=st.integers(0),
)
@example(spec=registry.find("subpixel-m", 4), width=60, height=40, seed=3)
@example(spec=registry.find("subpixel-m-video", 4), width=60, height=40, seed=3)
def test_codes_equal_onnxruntimes(
    backend: Backend, spec: registry.ModelSpec, width: int, height: int, seed: int
) -> None:
    skip_unless_usable(backend)
    network = "espcn" if backend.precision == "int8" else spec.network
    model = wrapped(spec.scale, width, height, backend, network)
    codes = noise(width, height, seed)
    target = np.empty((height * spec.scale, width * spec.scale), np.uint8)

    open_engine(backend, model, lanes=1, depth=8).slots[0].upscale(codes, target)

    difference = np.abs(target.astype(int) - reference(model, codes))
    assert difference.max() <= tolerance(backend, model)


def in_bf16(model: graph.ModelProto) -> graph.ModelProto:
    """The model with every convolution's input and output rounded to bf16, summed in float32."""
    rounded = graph.ModelProto()
    rounded.CopyFrom(model)
    nodes = []
    for number, node in enumerate(model.graph.node):
        conv = onnx.NodeProto()
        conv.CopyFrom(node)
        if node.op_type != "Conv":
            nodes.append(conv)
            continue
        conv.input[0], conv.output[0] = f"in.{number}", f"out.{number}"
        nodes += [
            *_through_bf16(node.input[0], conv.input[0]),
            conv,
            *_through_bf16(conv.output[0], node.output[0]),
        ]
    del rounded.graph.node[:]
    rounded.graph.node.extend(nodes)
    return rounded


def _through_bf16(source: str, target: str) -> list[onnx.NodeProto]:
    half = f"{source}.bf16.{target}"
    return [
        helper.make_node("Cast", [source], [half], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", [half], [target], to=TensorProto.FLOAT),
    ]


@pytest.mark.parametrize("spec", FLOAT_NETWORKS, ids=lambda spec: spec.path.stem)
def test_bf16_costs_what_its_depth_allows(spec: registry.ModelSpec) -> None:
    """Emulated, so that the bound is held where no processor computes in bf16."""
    model = wrapped(spec.scale, 60, 40, OpenVINO(precision="fp32"), spec.network)
    rounded = in_bf16(model)
    for seed in range(3):
        codes = noise(60, 40, seed)
        difference = np.abs(reference(rounded, codes).astype(int) - reference(model, codes))
        assert difference.max() <= bf16_tolerance(model)


@pytest.mark.parametrize("backend", BACKENDS)
class TestSlots:
    def test_strided_planes(self, backend: Backend) -> None:
        """Only the plane is read and only the plane is written, not the padding of its rows."""
        skip_unless_usable(backend)
        model = wrapped(2, 30, 20, backend)
        padded_source = np.full((20, 64), 255, np.uint8)
        padded_source[:, :30] = noise(30, 20)
        padded_target = np.full((40, 128), 77, np.uint8)

        open_engine(backend, model, lanes=1, depth=8).slots[0].upscale(
            padded_source[:, :30], padded_target[:, :60]
        )

        expected = reference(model, noise(30, 20))
        difference = np.abs(padded_target[:, :60].astype(int) - expected)
        assert difference.max() <= TOLERANCE[backend.precision]
        assert (padded_target[:, 60:] == 77).all()

    @pytest.mark.parametrize("tile", [(40, 16), (40, 30), (24, 30), (23, 17)])
    @pytest.mark.parametrize("scale", [2, 3])
    def test_tiles_leave_no_seams(self, backend: Backend, scale: int, tile: tuple[int, int]) -> None:
        """Strips and tiles of strided planes; the reference is computed in one piece."""
        skip_unless_usable(backend)
        tiling = Tiling(size=(40, 30), tile=tile, radius=reach_of(network_for(SPEC, backend)).radius or 0)
        codes, target = noise(40, 30, 7), np.zeros((30 * scale, 50 * scale), np.uint8)

        engine = open_engine(backend, wrapped(scale, *tile, backend), lanes=2, depth=8, tiling=tiling)
        for slot in engine.slots:
            slot.upscale(codes, target[:, : 40 * scale])
            difference = np.abs(
                target[:, : 40 * scale].astype(int) - reference(wrapped(scale, 40, 30, backend), codes)
            )
            assert difference.max() <= TOLERANCE[backend.precision]
        assert not target[:, 40 * scale :].any()
        assert ("tiles of" in engine.description) == (tile != (40, 30))

    def test_lanes_do_not_disturb_each_other(self, backend: Backend) -> None:
        skip_unless_usable(backend)
        engine = open_engine(backend, wrapped(3, 40, 30, backend), lanes=2, depth=8)
        frames = [noise(40, 30, seed) for seed in range(len(engine.slots))]

        def upscale(lane: int) -> list[bytes]:
            target = np.empty((90, 120), np.uint8)
            results = []
            for _ in range(20):
                engine.slots[lane].upscale(frames[lane], target)
                results.append(target.tobytes())
            return results

        with ThreadPoolExecutor() as pool:
            by_lane = list(pool.map(upscale, range(len(engine.slots))))

        assert [len(set(results)) for results in by_lane] == [1] * len(engine.slots)
        assert len({results[0] for results in by_lane}) == len(engine.slots)

    def test_a_slot_keeps_nothing_of_the_last_frame(self, backend: Backend) -> None:
        skip_unless_usable(backend)
        (slot,) = open_engine(backend, wrapped(2, 24, 24, backend), lanes=1, depth=8).slots
        first, again = np.empty((48, 48), np.uint8), np.empty((48, 48), np.uint8)
        slot.upscale(noise(24, 24, 1), first)
        slot.upscale(noise(24, 24, 2), np.empty((48, 48), np.uint8))
        slot.upscale(noise(24, 24, 1), again)
        assert np.array_equal(first, again)

    def test_protocol(self, backend: Backend) -> None:
        skip_unless_usable(backend)
        engine = open_engine(backend, wrapped(2, 24, 24, backend), lanes=1, depth=8)
        assert isinstance(engine, Engine)
        assert backend.precision in engine.description

    def test_close(self, backend: Backend) -> None:
        skip_unless_usable(backend)
        engine = open_engine(backend, wrapped(2, 24, 24, backend), lanes=2, depth=8)
        engine.close()
        engine.close()
        with pytest.raises(BackendError, match="closed"):
            engine.slots[1].upscale(noise(24, 24), np.empty((48, 48), np.uint8))


def test_lanes_follow_the_backend_and_the_callers_bound() -> None:
    assert lane_count(OpenVINO(lanes=3), 8) == 3
    assert lane_count(OpenVINO(lanes=3), 1) == 1
    assert lane_count(OpenVINO(), 64) >= 2
    assert len(open_engine(OpenVINO(), wrapped(2, 8, 8), lanes=3, depth=8).slots) == 3


def test_the_rule_behind_the_lanes_is_said() -> None:
    assert lane_rule(OpenVINO(lanes=3), 8) == "as many lanes as requested"
    assert lane_rule(OpenVINO(lanes=3), 1) == "3 lanes would exceed the threads or frames"
    assert lane_rule(OpenVINO(), 64).startswith("a lane for every 4 of ")
    assert lane_rule(TensorRT(device=[0, 1]), 64) == "3 lanes per GPU"


def test_auto_is_no_less_than_fp32_beyond_8_bits() -> None:
    for depth in (9, 10, 12, 16, None):
        assert "fp32" in open_engine(OpenVINO(), wrapped(2, 8, 8), lanes=1, depth=depth).description


def test_an_unknown_device_is_named_with_those_present() -> None:
    with pytest.raises(BackendError, match=r"OpenVINO has no device 'TOASTER' here; present are .*CPU"):
        open_engine(OpenVINO(device="TOASTER"), wrapped(2, 8, 8), lanes=1, depth=8)


class TestBackendSettings:
    @pytest.mark.parametrize("kind", [OpenVINO, TensorRT, Torch, Vulkan])
    @pytest.mark.parametrize(
        "settings",
        [{"precision": "fp8"}, {"lanes": 0}, {"lanes": -1}, {"lanes": "2"}, {"lanes": 2.5}, {"lanes": True}],
    )
    def test_bad_values(self, kind: type[Backend], settings: dict) -> None:
        with pytest.raises(InputError, match=str(next(iter(settings.values())))):
            kind(**settings)

    @pytest.mark.parametrize("device", [-1, [], [0, -1], "cuda:0", 1.5, None])
    def test_bad_devices_of_tensorrt(self, device: object) -> None:
        with pytest.raises(InputError, match="give the number of a GPU, from 0, or a list of them"):
            TensorRT(device=device)  # type: ignore[arg-type]

    @pytest.mark.parametrize("device", ["cpu", "cuda:x", "cuda:٣", "cuda:" + "9" * 5000, "0", 0])
    def test_bad_devices_of_torch(self, device: object) -> None:
        with pytest.raises(InputError, match=f"device is {device!r}; give 'cuda'"):
            Torch(device=device)  # type: ignore[arg-type]

    @pytest.mark.parametrize("device", [-1, [0], "0", 1.5, None, True])
    def test_bad_devices_of_vulkan(self, device: object) -> None:
        with pytest.raises(InputError, match=r"give the number of a GPU, from 0"):
            Vulkan(device=device)  # type: ignore[arg-type]

    def test_a_device_of_openvino_is_a_name(self) -> None:
        with pytest.raises(InputError, match="device is 0; give OpenVINO's name of one, such as 'CPU'"):
            OpenVINO(device=0)  # type: ignore[arg-type]

    def test_from_the_command_lines_words(self) -> None:
        assert backend_from_name(None) is None
        assert backend_from_name("openvino") == OpenVINO()
        assert backend_from_name(None, "fp32") == OpenVINO(precision="fp32")
        with pytest.raises(InputError, match="choose one of tensorrt, torch, vulkan, openvino"):
            backend_from_name("abacus")
