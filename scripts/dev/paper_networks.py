"""The networks that docs/measurements/paper.md compares, which of them are trained, and what they cost."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import onnx
import openvino as ov

from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.networks.registry import load_network, network_metadata

ROOT = Path(__file__).parents[2]
BASELINES = ROOT / "docs" / "baselines"
T91, MORE = ("t91",), ("t91", "general100", "cid22", "clic2025")
"""Folders that were trained on: the paper's 91 images, and ours in place of its ImageNet images."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A network of the tables.

    Attributes:
        label: What tables call it.
        network: What ``vs-espcn train --network`` calls it.
        activation: What ``--activation`` is given; None for the network's own.
        data: Folders that it is trained on; empty for the shipped one.
    """

    label: str
    network: str
    activation: str | None = None
    data: tuple[str, ...] = T91

    def path(self, scale: int) -> Path:
        """Where the trained network lies, or would lie."""
        if not self.data:
            return ROOT / "engines" / f"{self.network}_x{scale}.onnx"
        parts = [self.network, self.activation or ("tanh" if self.network == "espcn" else "")]
        stem = "-".join([part for part in parts if part] + (["more"] if self.data == MORE else []))
        return BASELINES / f"{stem}_x{scale}.onnx"

    def is_trained(self, scale: int) -> bool:
        """Whether the file is there."""
        return self.path(scale).is_file()

    def command(self, scale: int) -> str:
        """What trains it."""
        folders = " ".join(f"--data $DATA/train/{name}" for name in self.data)
        activation = f" --activation {self.activation}" if self.activation else ""
        return (
            f"vs-espcn train --network {self.network} --scale {scale}{activation} {folders} "
            f"--degradation bicubic --steps 2000 --out docs/baselines/{self.path(scale).name}"
        )


SRCNN_915 = Contender(label="SRCNN 9-1-5", network="srcnn-915")
SRCNN_915_MORE = Contender(label="SRCNN 9-1-5, more images", network="srcnn-915", data=MORE)
SRCNN_955 = Contender(label="SRCNN 9-5-5", network="srcnn-955")
TNRD = Contender(label="TNRD", network="tnrd")
ESPCN_RELU = Contender(label="ESPCN, ReLU", network="espcn", activation="relu")
ESPCN_RELU_MORE = Contender(label="ESPCN, ReLU, more images", network="espcn", activation="relu", data=MORE)
ESPCN = Contender(label="ESPCN, tanh", network="espcn")
ESPCN_MORE = Contender(label="ESPCN, tanh, more images", network="espcn", data=MORE)
SHIPPED = Contender(label="ESPCN, tanh, as shipped", network="espcn", data=())
CONTENDERS = (
    SRCNN_915,
    SRCNN_915_MORE,
    SRCNN_955,
    TNRD,
    ESPCN_RELU,
    ESPCN_RELU_MORE,
    ESPCN,
    ESPCN_MORE,
    SHIPPED,
)


def facts(path: Path) -> dict[str, str]:
    """What the network's file says of its training."""
    return network_metadata(load_network(path))


def convolution_weights(path: Path) -> list[onnx.TensorProto]:
    """The kernels of a network's convolutions."""
    graph = load_network(path).graph
    held = {weight.name: weight for weight in graph.initializer}
    return [held[node.input[1]] for node in graph.node if node.op_type == "Conv"]


def parameters(path: Path) -> int:
    """Weights and biases."""
    return sum(math.prod(kernel.dims) + kernel.dims[0] for kernel in convolution_weights(path))


def operations(path: Path, scale: int) -> float:
    """Multiply-adds of the convolutions per high-resolution pixel."""
    return macs_per_sample(load_network(path)) / scale**2


def compile_network(path: Path, *, height: int, width: int) -> ov.CompiledModel:
    """A network in float32 on one core."""
    core = ov.Core()
    model = core.read_model(path)
    model.reshape([1, 1, height, width])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    return core.compile_model(model, "CPU", options)


def cpu_milliseconds[Key](
    work: Mapping[Key, Callable[[], object]], rounds: int, repeats: int = 1
) -> dict[Key, float]:
    """Median CPU time of each piece of work, in rounds that take all in turn after one to warm up."""
    times: dict[Key, list[float]] = {name: [] for name in work}
    for each in work.values():
        each()
    for _ in range(rounds):
        for name, each in work.items():
            start = time.process_time()
            for _ in range(repeats):
                each()
            times[name].append((time.process_time() - start) * 1000 / repeats)
    return {name: median(of_name) for name, of_name in times.items()}
