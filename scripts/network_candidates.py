"""What a thin network costs, by channels, depth and activation, as a Markdown table.

    uv run --extra train python scripts/network_candidates.py [--scale 2] [--rounds 20]

Milliseconds are the least of all rounds, which take turns over the candidates: one 960×540 frame of 8-bit
luma on one thread of the engine alone. Kernels are those of the plan that TensorRT-RTX builds in fp16
for compute capability 8.9, where it is installed.
"""

import argparse
import logging
import math
import re
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import openvino as ov
from onnx import ModelProto, numpy_helper

from vs_espcn.cost import macs_per_sample
from vs_espcn.errors import RuntimeMissingError
from vs_espcn.graph import UINT8, build_graph
from vs_espcn.runtime.slot import typed_graph
from vs_espcn.runtime.tensorrt_api import load_api
from vs_espcn.runtime.tensorrt_build import build_plan
from vs_espcn.training.export import in_bfloat16, to_onnx
from vs_espcn.training.network import Espcn, Network
from vs_espcn.training.subpixel import Shape, Subpixel

SHAPES = [
    Shape(channels=channels, depth=depth)
    for channels, depths in {8: (4,), 12: (4,), 16: (4, 5, 6, 8), 24: (3, 4), 32: (2, 4)}.items()
    for depth in depths
]
ACTIVATIONS = {  # operation, and its constants per channel
    "relu": ("Relu", []),
    "leaky": ("LeakyRelu", []),
    "prelu": ("PRelu", [0.2]),
    "clip": ("Clip", [-1.0, 1.0]),
    "tanh": ("Tanh", []),
}
ALL_ACTIVATIONS = (Shape(channels=16, depth=4), Shape(channels=32, depth=4))
WIDTH, HEIGHT = 960, 540


def with_activation(model: ModelProto, name: str) -> ModelProto:
    """The same network with another activation, and untrained slopes."""
    shapes = {each.name: each.dims for each in model.graph.initializer}
    changed = ModelProto()
    changed.CopyFrom(model)
    for before, node in pairwise(changed.graph.node):
        if node.op_type not in {"Relu", "Tanh"}:
            continue
        node.op_type, values = ACTIVATIONS[name]
        slopes = (shapes[before.input[1]][0], 1, 1) if node.op_type == "PRelu" else ()
        for number, value in enumerate(values):
            constant = np.full(slopes, value, np.float32)
            changed.graph.initializer.append(numpy_helper.from_array(constant, f"{node.name}.{number}"))
            node.input.append(f"{node.name}.{number}")
    return changed


def candidates(scale: int) -> dict[str, ModelProto]:
    """Every candidate by name, as the engines get it."""
    models = {"espcn, tanh": to_onnx(Espcn(scale), {})}
    for shape in SHAPES:
        network: Network = Subpixel("candidate", scale, shape=shape, branches=False)
        model = to_onnx(network, {})
        names = list(ACTIVATIONS) if shape in ALL_ACTIVATIONS else ["relu"]
        for name in names:
            models[f"M{shape.depth}C{shape.channels}, {name}"] = with_activation(model, name)
    return {name: in_bfloat16(model) for name, model in models.items()}


def runner(model: ModelProto, precision: str) -> Callable[[], float]:
    """A function that runs one frame and returns the milliseconds it took."""
    graph = build_graph(model, UINT8, full_range=False, width=WIDTH, height=HEIGHT)
    options = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1"}
    core = ov.Core()
    request = core.compile_model(
        core.read_model(graph.SerializeToString()), "CPU", options
    ).create_infer_request()
    frame = np.random.default_rng(0).integers(16, 236, (1, 1, HEIGHT, WIDTH), np.uint8)
    request.get_input_tensor().data[:] = frame

    def run() -> float:
        start = time.perf_counter()
        request.infer()
        return 1000 * (time.perf_counter() - start)

    return run


def least(runners: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The shortest of each candidate's times, measured in turns."""
    times = {name: float("inf") for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            times[name] = min(times[name], run())
    return times


class _Kernels(logging.Handler):
    """Counts the kernels that TensorRT's log lists at the end of a build."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Read one message."""
        self.count += len(re.findall(r"^Name: .*LayerType", record.getMessage(), re.MULTILINE))


def kernels(model: ModelProto) -> str:
    """Kernels of the plan that TensorRT-RTX builds, or a dash where it is not installed."""
    graph = typed_graph(build_graph(model, UINT8, full_range=False, width=WIDTH, height=HEIGHT), "fp16")
    log, counter = logging.getLogger("vs_espcn.runtime.tensorrt_api"), _Kernels()
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(counter)
    try:
        build_plan(load_api("tensorrt_rtx"), graph, "8.9")
    except RuntimeMissingError:
        return "–"
    finally:
        log.removeHandler(counter)
    return str(counter.count)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    models = candidates(arguments.scale)
    times = {
        precision: least({name: runner(model, precision) for name, model in models.items()}, arguments.rounds)
        for precision in ("bf16", "f32")
    }
    print("| network | MACs per pixel | of ESPCN | parameters | bf16, ms | fp32, ms | kernels |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    espcn = macs_per_sample(models["espcn, tanh"])
    for name, model in models.items():
        macs = round(macs_per_sample(model))
        trained = (each for each in model.graph.initializer if each.name.startswith("conv"))
        parameters = sum(math.prod(each.dims) for each in trained)
        milliseconds = [f"{times[precision][name]:.1f}" for precision in times]
        columns = [name, macs, f"{macs / espcn:.2f}", parameters, *milliseconds, kernels(model)]
        print("|", " | ".join(map(str, columns)), "|", flush=True)


if __name__ == "__main__":
    main()
