"""Where a network's time goes, layer by layer, as a Markdown table.

uv run python scripts/layer_profile.py

OpenVINO alone, on one thread: a frame of 1920x1080 output, the median of some runs, by OpenVINO's own
counters. A layer's time holds what OpenVINO fused into it: activation, rounding, clamp. "Without tanh" is the
same layer of the same network with ReLU in the place of tanh. The last column says how many of the
operations are done that matrix products would do in that time.
"""

import math
from collections.abc import Iterator
from itertools import groupby
from statistics import median

import openvino as ov
from onnx import ModelProto, NodeProto, numpy_helper

from vs_espcn import graph, models
from vs_espcn.runtime.base import OpenVINO, available_cores
from vs_espcn.runtime.matrix_rate import matrix_rate
from vs_espcn.runtime.openvino import resolve_precision
from vs_espcn.runtime.shuffle import without_shuffle

SIZE, SCALE, RUNS = (1920, 1080), 2, 10
NETWORKS = ("espcn", "subpixel-s")


def without_tanh(network: ModelProto) -> ModelProto:
    """The network with ReLU in the place of tanh: garbage as a picture, alike in all else."""
    changed = ModelProto()
    changed.CopyFrom(network)
    for node in changed.graph.node:
        node.op_type = "Relu" if node.op_type == "Tanh" else node.op_type
    return changed


def milliseconds(network: ModelProto, hint: str) -> list[float]:
    """Time of each convolution, in the order in which they run."""
    width, height = (side // SCALE for side in SIZE)
    whole = graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)
    options = {"INFERENCE_PRECISION_HINT": hint, "PERF_COUNT": "YES", "NUM_STREAMS": "1"}
    options |= {"INFERENCE_NUM_THREADS": "1"}
    core = ov.Core()
    model = core.read_model(without_shuffle(whole)[0].SerializeToString())
    request = core.compile_model(model, "CPU", options).create_infer_request()
    request.infer()
    runs = []
    for _ in range(RUNS):
        request.infer()
        runs.append(
            [
                1000 * node.real_time.total_seconds()
                for node in request.get_profiling_info()
                if node.node_type == "Convolution" and not node.node_name.startswith("skip")
            ]
        )
    return [median(of_layer) for of_layer in zip(*runs, strict=True)]


def layers(network: ModelProto) -> Iterator[tuple[str, int]]:
    """Kernel and channels of each convolution in words, and its operations per frame."""
    shapes = {each.name: numpy_helper.to_array(each).shape for each in network.graph.initializer}
    samples = math.prod(side // SCALE for side in SIZE)
    for node in network.graph.node:
        if node.op_type == "Conv" and node.name != "skip":
            outputs, inputs, side, _ = _kernel(node, shapes)
            yield f"{side}×{side}, {inputs} → {outputs}", 2 * outputs * inputs * side * side * samples


def _kernel(node: NodeProto, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    return shapes.get(node.input[1]) or shapes[f"{node.input[1]}.codes"]


def main() -> None:
    """Print the table."""
    print("| network | precision | layer | 10⁹ operations | ms | without tanh, ms | of the matrix rate |")
    print("| --- " * 7 + "|")
    floats = resolve_precision("CPU", "auto")
    for precision in (floats, "int8"):
        rate = matrix_rate(OpenVINO(), precision) / available_cores()  # type: ignore[arg-type]
        for name in NETWORKS:
            spec = models.find(name if precision == floats else name + models.INT8_SUFFIX, SCALE)
            network = models.load_network(spec.path)
            hint = "f32" if precision in {"int8", "fp32"} else precision
            times, plain = milliseconds(network, hint), milliseconds(without_tanh(network), hint)
            measured = zip(layers(network), times, plain, strict=True)
            for layer, alike in groupby(measured, key=lambda each: each[0][0]):
                print(row(name, precision, layer, list(alike), rate), flush=True)


def row(
    name: str, precision: str, layer: str, alike: list[tuple[tuple[str, int], float, float]], rate: float
) -> str:
    """One line of the table, for some layers of one shape."""
    operations = sum(count for (_, count), _, _ in alike)
    ms, other = (sum(column) for column in list(zip(*alike, strict=True))[1:])
    times = f", {len(alike)} times" if len(alike) > 1 else ""
    shown = f"{other:.1f}" if name == "espcn" else "–"
    share = operations / (ms / 1000) / rate
    columns = [f"{layer}{times}", f"{operations / 1e9:.2f}", f"{ms:.1f}", shown, f"{share:.2f}"]
    return f"| {name} | {precision} | {' | '.join(columns)} |"


if __name__ == "__main__":
    main()
