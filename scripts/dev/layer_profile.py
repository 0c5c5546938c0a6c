"""Print the time of each layer of networks, as a Markdown table.

uv run python scripts/dev/layer_profile.py

OpenVINO alone, on one thread: a frame of 1920x1080 output, the median of several runs, by OpenVINO's own
counters. A layer's time includes the activation, rounding and clamp that OpenVINO fused into it. "Without
tanh" is the same layer with ReLU in place of tanh. The last column is the layer's rate of operations divided
by that of matrix products.
"""

import math
from collections.abc import Iterator
from itertools import groupby
from statistics import median
from typing import NamedTuple

from one_thread import compiled
from onnx import ModelProto, NodeProto, numpy_helper

from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.runtime.hardware import available_cores
from vs_espcn.runtime.matrix_rate import matrix_rate
from vs_espcn.runtime.openvino import resolve_precision
from vs_espcn.runtime.shuffle import without_shuffle

SIZE, SCALE, RUNS = (1920, 1080), 2, 10
NETWORKS = ("espcn", "subpixel-s")


def without_tanh(network: ModelProto) -> ModelProto:
    """Return the network with ReLU in place of tanh: its pictures are garbage, all else is the same."""
    changed = ModelProto()
    changed.CopyFrom(network)
    for node in changed.graph.node:
        node.op_type = "Relu" if node.op_type == "Tanh" else node.op_type
    return changed


def milliseconds(network: ModelProto, hint: str) -> list[float]:
    """Return the time of each convolution in milliseconds, in order of execution."""
    width, height = (side // SCALE for side in SIZE)
    whole = graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)
    request = compiled(without_shuffle(whole)[0], hint, PERF_COUNT="YES")
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


class Layer(NamedTuple):
    """One convolution: kernel and channels in words, operations per frame, time with and without tanh."""

    shape: str
    operations: int
    ms: float
    plain_ms: float


def layers(network: ModelProto, hint: str) -> Iterator[Layer]:
    """Yield every convolution of a network, in order of execution."""
    times = zip(milliseconds(network, hint), milliseconds(without_tanh(network), hint), strict=True)
    for (shape, operations), (ms, plain_ms) in zip(shapes_of(network), times, strict=True):
        yield Layer(shape, operations, ms, plain_ms)


def shapes_of(network: ModelProto) -> Iterator[tuple[str, int]]:
    """Yield kernel and channels of each convolution in words, and its operations per frame."""
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
            spec = registry.find(name if precision == floats else name + registry.INT8_SUFFIX, SCALE)
            network = registry.load_network(spec.path)
            hint = "f32" if precision in {"int8", "fp32"} else precision
            for _, alike in groupby(layers(network, hint), key=lambda layer: layer.shape):
                print(
                    f"| {name} | {precision} | {row(list(alike), rate, tanh=name == 'espcn')} |", flush=True
                )


def row(alike: list[Layer], rate: float, *, tanh: bool) -> str:
    """Return a row's last cells for layers of one shape; `rate` is that of matrix products."""
    operations, ms, plain_ms = (sum(column) for column in list(zip(*alike, strict=True))[1:])
    times = f", {len(alike)} times" if len(alike) > 1 else ""
    shown = f"{plain_ms:.1f}" if tanh else "–"
    share = operations / (ms / 1000) / rate
    return f"{alike[0].shape}{times} | {operations / 1e9:.2f} | {ms:.1f} | {shown} | {share:.2f}"


if __name__ == "__main__":
    main()
