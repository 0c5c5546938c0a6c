"""Which form of a network a precision asks for."""

import re
import shutil
from pathlib import Path

import pytest

from tests.engines import open_engine
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.networks.registry import is_int8
from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch
from vs_espcn.runtime.precision import network_for, resolve

pytestmark = pytest.mark.usefixtures("with_vnni")


@pytest.fixture
def own(tmp_path: Path) -> registry.ModelSpec:
    """A user's file, which happens to be named like a shipped network."""
    shutil.copy(registry.find("espcn", 2).path, tmp_path / "espcn_x2.onnx")
    return registry.of_network(str(tmp_path / "espcn_x2.onnx"))[0]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("precision", "int8"),
    [("auto", False), ("fp32", False), ("bf16", False), ("int8", True), ("fast", True)],
)
def test_int8_is_for_those_who_ask(scale: int, precision: str, int8: bool) -> None:
    network = network_for(registry.find("espcn", scale), OpenVINO(precision=precision))
    assert is_int8(network) == int8
    assert registry.network_metadata(network)["scale"] == str(scale)


def test_an_own_network_is_never_swapped_for_a_shipped_one(own: registry.ModelSpec) -> None:
    assert not is_int8(network_for(own, OpenVINO(precision="fast")))
    with pytest.raises(InputError, match=r"precision is 'int8', and espcn_x2\.onnx has no int8 form: use"):
        network_for(own, OpenVINO(precision="int8"))


@pytest.mark.parametrize("precision", ["auto", "int8", "fast"])
def test_an_own_int8_network_is_given_by_its_file(tmp_path: Path, precision: str) -> None:
    path = shutil.copy(registry.find("espcn-int8", 2).path, tmp_path / "mine.onnx")
    (spec,) = registry.of_network(str(path))
    assert is_int8(network_for(spec, OpenVINO(precision=precision)))


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (OpenVINO(precision="fp32"), "espcn-int8_x2.onnx is an int8 network, and precision is 'fp32'"),
        (OpenVINO(precision="bf16"), "espcn-int8_x2.onnx is an int8 network, and precision is 'bf16'"),
        (TensorRT(precision="fp16"), "espcn-int8_x2.onnx is an int8 network, and precision is 'fp16'; use"),
        (Torch(), "espcn-int8_x2.onnx is an int8 network; those run on openvino and tensorrt, not torch"),
    ],
)
def test_an_int8_network_runs_as_nothing_else(backend: Backend, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        network_for(registry.find("espcn-int8", 2), backend)


def test_gpus_name_what_they_have() -> None:
    with pytest.raises(InputError, match="precision 'int8' is not known; choose one of auto, fp32, fp16"):
        Torch(precision="int8")  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match="precision 'bf16' is not known; choose one of auto, fp32, fp16, int8"
    ):
        TensorRT(precision="bf16")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["espcn", "espcn-int8"])
def test_tensorrt_runs_int8_whatever_the_processor_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx2"])
    resolved = resolve(registry.find(name, 2), TensorRT(precision="int8"), 8)
    assert is_int8(resolved.network)
    assert resolved.backend == TensorRT(precision="int8")
    by_file = resolve(registry.find("espcn-int8", 2), TensorRT(), 8)
    assert by_file.backend == TensorRT(precision="int8")


def test_the_engine_says_what_it_computes_in() -> None:
    for precision in ("int8", "fast"):
        backend = OpenVINO(precision=precision)
        network = network_for(registry.find("espcn", 2), backend)
        model = graph.build_graph(network, graph.UINT8, full_range=False, width=8, height=8)
        assert ", int8, " in open_engine(backend, model, lanes=1, depth=8).description


def test_a_processor_without_vnni_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sums saturate: results are wrong by dozens of codes."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx2", "avx512f"])
    for name, device in (
        ("espcn", "CPU"),
        ("espcn-int8", "CPU"),
        ("espcn", "AUTO"),
        ("espcn", "HETERO:GPU,CPU"),
    ):
        with pytest.raises(BackendError, match=r"not known to have VNNI.*use precision='auto'"):
            network_for(registry.find(name, 2), OpenVINO(precision="int8", device=device))
    assert is_int8(network_for(registry.find("espcn", 2), OpenVINO(precision="int8", device="GPU.1")))
    assert not is_int8(network_for(registry.find("espcn", 2), OpenVINO(precision="fast")))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert is_int8(network_for(registry.find("espcn", 2), OpenVINO(precision="fast")))


@pytest.mark.parametrize(
    ("backend", "network", "precisions"),
    [
        (OpenVINO(), "espcn", ["auto", "fp32", "fp32", "fp32", "fp32"]),
        (OpenVINO(precision="bf16"), "subpixel-m", ["bf16"] * 5),
        (OpenVINO(), "espcn-int8", ["int8"] * 5),
        (OpenVINO(precision="int8"), "espcn", ["int8"] * 5),
        (TensorRT(), "espcn", ["fp16", "fp16", "fp32", "fp32", "fp32"]),
        (Torch(precision="fp16"), "espcn", ["fp16"] * 5),
    ],
)
def test_the_depth_decides_the_precision(
    backend: Backend, network: str, precisions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx512_vnni"])
    resolved = [resolve(registry.find(network, 2), backend, depth) for depth in (8, 10, 12, 16, None)]
    assert [each.backend.precision for each in resolved] == precisions


def test_a_network_too_deep_for_bf16_takes_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vs_espcn.runtime.precision._MOST_LAYERS_IN_BF16", 8)
    for network, precision in (("subpixel-s", "auto"), ("subpixel-m", "fp32")):
        assert resolve(registry.find(network, 2), OpenVINO(), 8).backend.precision == precision


@pytest.mark.parametrize("kind", [TensorRT, Torch])
def test_an_unresolved_precision_is_no_arithmetic(kind: type[TensorRT | Torch]) -> None:
    with pytest.raises(ValueError, match="still 'auto'"):
        _ = kind().arithmetic
