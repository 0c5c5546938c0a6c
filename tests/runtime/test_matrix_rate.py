"""The rate of matrix products: that the products are right and run in the arithmetic that was asked for."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import openvino as ov
import pytest
from onnx import ModelProto, numpy_helper

from tests.hardware import needs_bf16, needs_exact_int8
from vs_espcn.errors import InputError
from vs_espcn.networks import graph
from vs_espcn.networks.registry import INPUT_NAME
from vs_espcn.runtime import openvino
from vs_espcn.runtime.backends import OpenVINO, Torch
from vs_espcn.runtime.matrix_rate import PRODUCTS, matrix_network, matrix_rate

SIDE = 48


def test_the_products_are_numpys() -> None:
    network = matrix_network(SIDE)
    (weights,) = map(numpy_helper.to_array, network.graph.initializer)
    luma = np.random.default_rng(1).random((1, 1, SIDE, SIDE), np.float32)
    expected = luma.astype(np.float64) @ np.linalg.matrix_power(weights.astype(np.float64), PRODUCTS)
    assert 0.1 < expected.std() < 2  # neither gone nor grown, so that a wrong product shows

    session = onnxruntime.InferenceSession(network.SerializeToString())
    assert np.allclose(session.run(None, {INPUT_NAME: luma})[0], expected, rtol=0, atol=1e-5)

    rounded = onnxruntime.InferenceSession(matrix_network(SIDE, int8=True).SerializeToString())
    error = rounded.run(None, {INPUT_NAME: luma})[0] - expected
    assert 0 < np.sqrt((error**2).mean()) < 0.1 * expected.std()


@pytest.mark.parametrize(
    ("precision", "executed"),
    [
        ("fp32", "f32"),
        pytest.param("bf16", "bf16", marks=needs_bf16),
        pytest.param("int8", "i8", marks=needs_exact_int8),
    ],
)
def test_products_run_in_the_arithmetic_that_was_asked_for(precision: str, executed: str) -> None:
    core = ov.Core()
    network = matrix_network(SIDE, int8=precision == "int8")
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=SIDE, height=SIDE)
    options = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", options)
    kernels = [
        operation.get_rt_info()["primitiveType"].astype(str)
        for operation in compiled.get_runtime_model().get_ops()
        if operation.get_rt_info()["layerType"].astype(str) in {"FullyConnected", "MatMul"}
    ]
    assert len(kernels) == PRODUCTS
    assert all(kernel.endswith(f"_{executed}") for kernel in kernels), kernels


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("seconds_per_run", [0.001, 0.2, 3.0])
def test_the_rate_is_operations_by_time(
    precision: str, seconds_per_run: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on with the runs alone, and in the first of them by ten seconds more."""
    seconds = 10.0
    runner = openvino.raw_runner

    def counted(backend: OpenVINO, model: ModelProto, *, lanes: int) -> Callable[[int], None]:
        run = runner(backend, model, lanes=lanes)

        def count(frames: int) -> None:
            nonlocal seconds
            run(1)
            seconds += frames * seconds_per_run + (10 if seconds == 10 else 0)

        return count

    with monkeypatch.context() as patch:
        patch.setattr("vs_espcn.runtime.openvino.raw_runner", counted)
        patch.setattr("time.perf_counter", lambda: seconds)
        measured = matrix_rate(OpenVINO(), precision, side=SIDE)  # type: ignore[arg-type]
    assert measured == pytest.approx(2 * PRODUCTS * SIDE**3 / seconds_per_run)


@pytest.mark.parametrize(("backend", "precision"), [(OpenVINO(), "fp16"), (Torch(), "int8")])
def test_an_arithmetic_that_a_backend_does_not_have(backend: OpenVINO | Torch, precision: str) -> None:
    with pytest.raises(InputError, match=f"precision '{precision}' is not known; choose one of auto, fp32"):
        matrix_rate(backend, precision, side=SIDE)  # type: ignore[arg-type]
