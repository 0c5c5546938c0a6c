"""The graph in PyTorch's operations, on the CPU; the slots around it are shown on the double."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.cuda_slot import typed_graph

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed")

from vs_espcn.runtime.torch import TorchGraph, check_usable, exact_arithmetic  # noqa: E402 - needs what was looked for

FLOAT_NETWORKS = [spec for spec in registry.shipped() if not spec.is_int8]
SAMPLES = {
    "uint8": graph.UINT8,
    "uint10": graph.UINT16[10],
    "uint16": graph.UINT16[16],
    "float32": graph.FLOAT32,
}


@pytest.mark.parametrize("spec", FLOAT_NETWORKS, ids=lambda spec: spec.path.stem)
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_codes_equal_onnxruntimes(spec: registry.ModelSpec, sample: str, precision: str) -> None:
    network = registry.load_network(spec.path)
    format_ = SAMPLES[sample]
    model = graph.build_graph(network, format_, full_range=True, width=40, height=22)
    typed = typed_graph(model, precision)  # type: ignore[arg-type]
    random = np.random.default_rng(5).random((1, 1, 22, 40))
    frame = (random * format_.peak).astype(format_.dtype)
    sent = frame.view(np.uint8).reshape(1, 1, 22, 40, 2) if format_.dtype == np.uint16 else frame

    with torch.inference_mode():
        result = TorchGraph(typed, torch.device("cpu"))(torch.from_numpy(sent)).numpy()
    if format_.dtype == np.uint16:
        result = result.view(np.uint16)[..., 0]

    session = onnxruntime.InferenceSession(model.SerializeToString())
    expected = session.run(None, {graph.FRAME_NAME: frame})[0]
    assert result.dtype == expected.dtype
    codes = 1  # rounding can tip
    tolerance = codes * format_.peak / 255 if precision == "fp16" else 1 if format_.depth else 1e-5
    assert np.abs(result.astype(np.float64) - expected.astype(np.float64)).max() <= tolerance


@pytest.mark.parametrize("before", ["tf32", "ieee"])
def test_float32_is_computed_in_float32_and_the_processs_settings_stay(before: str) -> None:
    owners = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    settings = [owner.fp32_precision for owner in owners]
    try:
        for owner in owners:
            owner.fp32_precision = before
        with exact_arithmetic():
            assert [owner.fp32_precision for owner in owners] == ["ieee"] * 2
        assert [owner.fp32_precision for owner in owners] == [before] * 2
    finally:
        for owner, setting in zip(owners, settings, strict=True):
            owner.fp32_precision = setting


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_both_ways_to_shuffle(mode: str) -> None:
    values = np.random.default_rng(0).random((1, 8, 3, 5), np.float32)
    shape, upscaled = [1, 8, 3, 5], [1, 2, 6, 10]
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("DepthToSpace", ["x"], ["y"], blocksize=2, mode=mode)],
            "shuffle",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, upscaled)],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": values})[0]
    assert np.array_equal(TorchGraph(model, torch.device("cpu"))(torch.from_numpy(values)).numpy(), expected)


class TestGpusOfABuild:
    """PyTorch has code for some compute capabilities, which differ from build to build."""

    @pytest.fixture
    def check(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
        def check(architectures: str, capability: str) -> None:
            major, minor = map(int, capability.split("."))
            device = SimpleNamespace(compute_capability=(major, minor), capability=capability)
            monkeypatch.setattr(torch.version, "cuda", "13.0")
            monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
            monkeypatch.setattr(torch.cuda, "get_arch_list", architectures.split)
            check_usable(device)  # type: ignore[arg-type]

        return check

    @pytest.mark.parametrize(
        ("architectures", "capability"),
        [
            ("sm_75 sm_80 sm_86 sm_90", "8.6"),
            ("sm_75 sm_80 sm_90", "8.9"),  # machine code of 8.0
            ("sm_75 sm_80 compute_80", "12.0"),  # translated by the driver
            ("sm_90a", "9.0"),
            ("sm_100f", "10.3"),
            ("sm_120", "12.1"),
            ("", "7.0"),  # a build that does not say
        ],
    )
    def test_one_with_code_for_it(
        self, check: Callable[[str, str], None], architectures: str, capability: str
    ) -> None:
        check(architectures, capability)

    @pytest.mark.parametrize(
        ("architectures", "capability"),
        [
            ("sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", "7.0"),
            ("sm_86", "8.0"),
            ("sm_80 sm_90", "12.0"),
            ("sm_90a compute_90a", "10.0"),
            ("sm_100f", "12.0"),
            ("compute_90", "8.9"),
        ],
    )
    def test_one_without(
        self, check: Callable[[str, str], None], architectures: str, capability: str
    ) -> None:
        said = f"has no code for compute capability {capability}, only {architectures.split(maxsplit=1)[0]}"
        with pytest.raises(BackendError, match=said):
            check(architectures, capability)


def test_an_operation_that_is_not_known() -> None:
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Erf", ["x"], ["y"])],
            "other",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
        )
    )
    with pytest.raises(
        BackendError, match="operation Erf, which the backend 'torch' does not know; it knows"
    ):
        TorchGraph(model, torch.device("cpu"))
