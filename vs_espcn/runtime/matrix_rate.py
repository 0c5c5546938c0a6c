"""Measure a device's operations per second in matrix products, the upper bound for convolutions.

The products form a network like any other and run through the same graph,
engine and slot as the networks that they bound.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.networks import graph
from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME
from vs_espcn.runtime.backends import Backend, OpenVINO, Torch, lane_count
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.hardware import available_cores

Arithmetic = Literal["fp32", "fp16", "bf16", "int8"]

PRODUCTS = 4
_CPU_SIDE, _GPU_SIDE = 1024, 4096  # larger ones are not faster
_ROUNDS, _SECONDS = 5, 0.5
_CODES_PER_UNIT = 16  # of an int8 activation, whose standard deviation is below 1


def matrix_rate(backend: Backend, precision: Arithmetic, *, side: int | None = None) -> float:
    """Measure a device's rate of matrix products.

    Args:
        backend: The device; the first one of several GPUs.
        precision: Precision of the products; not int8 on PyTorch.
        side: Side of the square matrices; None for one that suits the device.

    Returns:
        Operations per second, two per multiply-add, in the fastest of a few rounds.

    Raises:
        InputError: The backend does not have this precision.
        BackendError: The backend cannot run here.
    """
    side = side or (_CPU_SIDE if isinstance(backend, OpenVINO) else _GPU_SIDE)
    network = matrix_network(side, int8=precision == "int8" and not isinstance(backend, Torch))
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=side, height=side)
    with _runner(backend, precision, model) as run:
        run(2)
        runs, seconds = 1, _time(run, 1)
        while seconds < _SECONDS / 2:
            runs *= 2
            seconds = _time(run, runs)
        fastest = min(seconds, *(_time(run, runs) for _ in range(_ROUNDS)))
    return 2 * PRODUCTS * side**3 * runs / fastest


def matrix_network(side: int, *, int8: bool = False) -> ModelProto:
    """Return a network of `PRODUCTS` successive products with one matrix.

    Args:
        side: Height and width of the matrices.
        int8: True to round both factors of every product to 8-bit codes.

    Returns:
        A network of scale 1 as in `vs_espcn.networks.registry`, for luma (1, 1, side, side).
    """
    weights = np.random.default_rng(0).standard_normal((side, side), np.float32) / np.float32(side**0.5)
    values = [INPUT_NAME, *(f"product{index}" for index in range(1, PRODUCTS)), OUTPUT_NAME]
    nodes: list[NodeProto] = []
    constants = {"weights": weights}
    if int8:
        step = np.abs(weights).max() / 127
        constants = {
            "codes": np.round(weights / step).astype(np.int8),
            "step": np.array(step, np.float32),
            "unit": np.array(1 / _CODES_PER_UNIT, np.float32),
            "zero": np.array(0, np.int8),
        }
        nodes.append(helper.make_node("DequantizeLinear", ["codes", "step", "zero"], ["weights"]))
    for source, target in pairwise(values):
        factor = source
        if int8:
            factor = f"{source}.rounded"
            nodes += [
                helper.make_node("QuantizeLinear", [source, "unit", "zero"], [f"{source}.codes"]),
                helper.make_node("DequantizeLinear", [f"{source}.codes", "unit", "zero"], [factor]),
            ]
        nodes.append(helper.make_node("MatMul", [factor, "weights"], [target]))
    shape = [1, 1, side, side]
    network = helper.make_model(
        helper.make_graph(
            nodes,
            "matrix products",
            [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(network, {"scale": "1"})
    return network


@contextmanager
def _runner(backend: Backend, precision: Arithmetic, model: ModelProto) -> Iterator[Callable[[int], None]]:
    """Yield a function that computes a number of frames without copies."""
    if isinstance(backend, OpenVINO):
        from vs_espcn.runtime.openvino import raw_runner  # noqa: PLC0415 - loads the runtime

        floats = "auto" if precision == "int8" else precision
        yield raw_runner(
            replace(backend, precision=floats),  # type: ignore[arg-type]
            model,
            lanes=lane_count(backend, available_cores()),
        )
        return
    from vs_espcn.runtime.cuda_engine import CudaEngine  # noqa: PLC0415 - loads the driver

    engine = open_engine(replace(backend, precision=precision), model, lanes=1)  # type: ignore[arg-type]
    assert isinstance(engine, CudaEngine)
    (slot,) = engine.slots

    def compute(frames: int) -> None:
        for _ in range(frames):
            slot.compute()

    try:
        yield compute
    finally:
        engine.close()


def _time(run: Callable[[int], None], frames: int) -> float:
    start = time.perf_counter()
    run(frames)
    return time.perf_counter() - start
