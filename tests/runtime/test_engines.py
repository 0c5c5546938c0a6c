"""One suite over every engine: what the filter relies on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import (
    Backend,
    OpenVINO,
    TensorRT,
    Torch,
    backend_from_name,
    lane_count,
    lane_rule,
)
from vs_espcn.runtime.engine import Engine
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.precision import network_for

# Codes that a backend may differ by from onnxruntime's float32: rounding can tip at fp32;
# bf16 has 8 bits of mantissa, as many as a code. At int8 both round alike inside the network,
# but where a sum lies halfway between two codes.
TOLERANCE = {"fp32": 1, "fp16": 1, "bf16": 3, "int8": 1}

DEFAULT = OpenVINO()
FLOAT_NETWORKS = [spec for spec in registry.shipped() if not spec.network.endswith(registry.INT8_SUFFIX)]

BACKENDS = [
    pytest.param(OpenVINO(precision="fp32"), id="openvino-fp32"),
    pytest.param(OpenVINO(precision="bf16"), id="openvino-bf16"),
    pytest.param(OpenVINO(precision="int8"), id="openvino-int8"),
    pytest.param(TensorRT(precision="fp32"), id="tensorrt-fp32"),
    pytest.param(TensorRT(precision="fp16"), id="tensorrt-fp16"),
    pytest.param(TensorRT(precision="fp32", max_size=(160, 90)), id="tensorrt-any-size"),
    pytest.param(Torch(precision="fp32"), id="torch-fp32"),
    pytest.param(Torch(precision="fp16"), id="torch-fp16"),
]


def skip_unless_usable(backend: Backend) -> None:
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
    deep = backend.precision == "bf16" and network != "espcn"  # what ten layers round adds up, on noise
    assert difference.max() <= TOLERANCE[backend.precision] * (2 if deep else 1)


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
    assert lane_rule(OpenVINO(lanes=3), 8) == "as many lanes as asked for"
    assert lane_rule(OpenVINO(lanes=3), 1) == "3 lanes would be more than threads or frames"
    assert lane_rule(OpenVINO(), 64).startswith("a lane for every 4 of ")
    assert lane_rule(TensorRT(device=[0, 1]), 64) == "2 lanes per GPU"


def test_auto_is_no_less_than_fp32_beyond_8_bits() -> None:
    for depth in (9, 10, 12, 16, None):
        assert "fp32" in open_engine(OpenVINO(), wrapped(2, 8, 8), lanes=1, depth=depth).description


def test_an_unknown_device_is_named_with_those_present() -> None:
    with pytest.raises(BackendError, match=r"OpenVINO has no device 'TOASTER' here; present are .*CPU"):
        open_engine(OpenVINO(device="TOASTER"), wrapped(2, 8, 8), lanes=1, depth=8)


class TestBackendSettings:
    @pytest.mark.parametrize("kind", [OpenVINO, TensorRT, Torch])
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

    @pytest.mark.parametrize("device", ["cpu", "cuda:x", "0", 0])
    def test_bad_devices_of_torch(self, device: object) -> None:
        with pytest.raises(InputError, match=f"device is {device!r}; give 'cuda'"):
            Torch(device=device)  # type: ignore[arg-type]

    def test_a_device_of_openvino_is_a_name(self) -> None:
        with pytest.raises(InputError, match="device is 0; give OpenVINO's name of one, such as 'CPU'"):
            OpenVINO(device=0)  # type: ignore[arg-type]

    def test_from_the_command_lines_words(self) -> None:
        assert backend_from_name(None) is None
        assert backend_from_name("openvino") == OpenVINO()
        assert backend_from_name(None, "fp32") == OpenVINO(precision="fp32")
        with pytest.raises(InputError, match="choose one of tensorrt, torch, openvino"):
            backend_from_name("abacus")
