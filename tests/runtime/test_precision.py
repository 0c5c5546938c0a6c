"""Which form of a network a precision asks for."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper

from tests.engines import open_engine
from tests.small_networks import conv, kernel, network, saved, shuffle
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.networks.registry import is_int8
from vs_espcn.runtime import precision
from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch, Vulkan
from vs_espcn.runtime.precision import network_for, resolve

pytestmark = pytest.mark.usefixtures("with_vnni")


@pytest.fixture
def own(tmp_path: Path) -> registry.ModelSpec:
    """A user's file, which happens to be named like a shipped network."""
    shutil.copy(registry.find("espcn", 2).path, tmp_path / "espcn_x2.onnx")
    return registry.of_network(str(tmp_path / "espcn_x2.onnx"))[0]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("asked", "int8"),
    [("auto", False), ("fp32", False), ("bf16", False), ("int8", True), ("fast", True)],
)
def test_int8_is_for_those_who_ask(scale: int, asked: str, int8: bool) -> None:
    chosen = network_for(registry.find("espcn", scale), OpenVINO(precision=asked))
    assert is_int8(chosen) == int8
    assert registry.network_metadata(chosen)["scale"] == str(scale)


def test_an_own_network_is_never_swapped_for_a_shipped_one(own: registry.ModelSpec) -> None:
    assert not is_int8(network_for(own, OpenVINO(precision="fast")))
    with pytest.raises(InputError, match=r"precision is 'int8', but espcn_x2\.onnx has no int8 form: use"):
        network_for(own, OpenVINO(precision="int8"))


@pytest.mark.parametrize("asked", ["auto", "int8", "fast"])
def test_an_own_int8_network_is_given_by_its_file(tmp_path: Path, asked: str) -> None:
    path = shutil.copy(registry.find("espcn-int8", 2).path, tmp_path / "mine.onnx")
    (spec,) = registry.of_network(str(path))
    assert is_int8(network_for(spec, OpenVINO(precision=asked)))


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (OpenVINO(precision="fp32"), "espcn-int8_x2.onnx is an int8 network, but precision is 'fp32'"),
        (OpenVINO(precision="bf16"), "espcn-int8_x2.onnx is an int8 network, but precision is 'bf16'"),
        (TensorRT(precision="fp16"), "espcn-int8_x2.onnx is an int8 network, but precision is 'fp16'; use"),
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
    for asked in ("int8", "fast"):
        backend = OpenVINO(precision=asked)
        chosen = network_for(registry.find("espcn", 2), backend)
        model = graph.build_graph(chosen, graph.UINT8, full_range=False, width=8, height=8)
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
    ("backend", "name", "precisions"),
    [
        (OpenVINO(), "espcn", ["auto", "fp32", "fp32", "fp32", "fp32"]),
        (OpenVINO(precision="bf16"), "subpixel-m", ["bf16"] * 5),
        (OpenVINO(), "espcn-int8", ["int8"] * 5),
        (OpenVINO(precision="int8"), "espcn", ["int8"] * 5),
        (TensorRT(), "espcn", ["fp16", "fp16", "fp32", "fp32", "fp32"]),
        (Torch(precision="fp16"), "espcn", ["fp16"] * 5),
        (Vulkan(), "espcn", ["auto", "fp32", "fp32", "fp32", "fp32"]),
        (Vulkan(), "subpixel-xs-video", ["auto", "auto", "fp32", "fp32", "fp32"]),
        (Vulkan(precision="fp16"), "espcn", ["fp16"] * 5),
    ],
)
def test_the_depth_decides_the_precision(
    backend: Backend, name: str, precisions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx512_vnni"])
    resolved = [resolve(registry.find(name, 2), backend, depth) for depth in (8, 10, 12, 16, None)]
    assert [each.backend.precision for each in resolved] == precisions


def precision_of(path: Path, depth: int | None = 8, backend: Backend = OpenVINO()) -> str:  # noqa: B008
    return resolve(registry.of_network(str(path))[0], backend, depth).backend.precision


def in_bf16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to the nearest bf16 number, by PyTorch."""
    return torch.from_numpy(values).bfloat16().float().numpy()


def own_network(weights: Sequence[NDArray[np.float32]], folder: Path) -> Path:
    names = [f"w{number}" for number in range(len(weights))]
    values = ["luma", *(f"v{number}" for number in range(1, len(weights))), "phases"]
    nodes = [conv(*layer) for layer in zip(values, names, values[1:], strict=False)]
    return saved(
        network([*nodes, shuffle("phases", "upscaled", 2)], dict(zip(names, weights, strict=True))), folder
    )


def test_weights_that_bf16_would_round_take_fp32(tmp_path: Path) -> None:
    weights = [kernel(4, 1)]
    assert precision_of(own_network(weights, tmp_path)) == "fp32"
    path = own_network([in_bf16(each) for each in weights], tmp_path)
    assert [precision_of(path, depth) for depth in (8, 10, 12, 16, None)] == ["auto", *["fp32"] * 4]


def test_a_copy_of_a_shipped_network_bears_bf16_too(own: registry.ModelSpec) -> None:
    assert precision_of(own.path) == "auto"


def test_networks_of_others_on_vulkan_take_fp16_at_8_bits(own: registry.ModelSpec, tmp_path: Path) -> None:
    """They take fp16 if they are accurate in bf16, which is coarser; fp16 itself was not measured."""
    for path in (own.path, own_network([kernel(4, 1)], tmp_path)):
        taken = [precision_of(path, depth, Vulkan()) for depth in (8, 10, 12, 16, None)]
        assert taken == ["auto", *["fp32"] * 4]


def test_a_network_that_errs_in_bf16_takes_fp32(tmp_path: Path) -> None:
    """Its weights are bf16 numbers, and cancel: what is left of the rounding of its layers is large."""
    apart = np.zeros((2, 1, 3, 3), np.float32)
    apart[:, 0, 1, 1] = [1, 1 + 1 / 128]
    together = np.zeros((4, 2, 3, 3), np.float32)
    together[:, :, 1, 1] = [64, -62.5]
    assert precision_of(own_network([apart, together], tmp_path)) == "fp32"


def test_operators_of_unknown_reach_take_fp32(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softsign", ["luma"], ["a"]),
        helper.make_node("LpNormalization", ["a"], ["b"], axis=3),
        conv("b", "w", "phases"),
        shuffle("phases", "upscaled", 2),
    ]
    assert precision_of(saved(network(nodes, {"w": in_bf16(kernel(4, 1))}), tmp_path)) == "fp32"


def test_a_network_is_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(precision, "_proven", {})
    monkeypatch.setattr(precision, "is_close_in_bf16", lambda network: compared.append(network) or True)
    path = own_network([in_bf16(kernel(4, 1))], tmp_path)
    assert [precision_of(path) for _ in range(2)] == ["auto"] * 2
    assert len(compared) == 1
    assert resolve(registry.find("espcn", 2), OpenVINO(), 8).backend.precision == "auto"
    assert len(compared) == 1


@pytest.mark.parametrize("kind", [TensorRT, Torch])
def test_an_unresolved_precision_is_no_arithmetic(kind: type[TensorRT | Torch]) -> None:
    with pytest.raises(ValueError, match="still 'auto'"):
        _ = kind().arithmetic
