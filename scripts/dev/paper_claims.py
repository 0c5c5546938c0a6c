"""Measure what the paper claims, and paste the tables into docs/measurements/paper.md.

uv run --group dev python scripts/dev/paper_claims.py ../shared/data/eval

The folder holds Set5 and Set14. Networks run in OpenVINO in float32 on one
core; milliseconds are CPU time, so that other programs count for little, and
are taken in interleaved rounds, so that a drifting clock slows all alike.
"""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import openvino as ov
import torch
from pages import paste
from torch.nn import functional

from vs_espcn.evaluation.images import read_folders, score_images
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.scores import mean_psnr
from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.networks.registry import load_network, network_metadata
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.training.networks.layers import Espcn

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measurements" / "paper.md"
SETS = ("Set5", "Set14")
SCALE = 3
WIDTH, HEIGHT = 1920 // SCALE, 1080 // SCALE
ROUNDS = 15
NETWORKS = {
    "SRCNN 9-1-5": ROOT / "docs" / "baselines" / "srcnn-915_x3.onnx",
    "SRCNN 9-5-5": ROOT / "docs" / "baselines" / "srcnn-955_x3.onnx",
    "ESPCN, ReLU": ROOT / "docs" / "baselines" / "espcn-relu_x3.onnx",
    "ESPCN, tanh": ROOT / "docs" / "baselines" / "espcn-tanh_x3.onnx",
    "ESPCN, tanh, as shipped": ROOT / "engines" / "espcn_x3.onnx",
}


def compile_network(path: Path, *, height: int, width: int) -> ov.CompiledModel:
    """A network in float32 on one core."""
    core = ov.Core()
    model = core.read_model(path)
    model.reshape([1, 1, height, width])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    return core.compile_model(model, "CPU", options)


def mean_psnrs(data: Path) -> dict[str, str]:
    """Mean PSNR on each of `SETS` as cells of a table, by method: bicubic, or the network's file."""
    backend = OpenVINO(precision="fp32")
    methods, scales = choose(["bicubic"], list(NETWORKS.values()), None, [SCALE], backend)
    images = read_folders([data / name for name in SETS], scales)
    scores = list(score_images(images, methods, scales))

    def mean(method: str, group: str) -> float:
        return mean_psnr(score for score in scores if (score.method, score.group) == (method, group))

    return {method.name: " | ".join(f"{mean(method.name, name):.2f}" for name in SETS) for method in methods}


def convolution_weights(path: Path) -> list[onnx.TensorProto]:
    """The kernels of a network's convolutions."""
    graph = load_network(path).graph
    held = {weight.name: weight for weight in graph.initializer}
    return [held[node.input[1]] for node in graph.node if node.op_type == "Conv"]


def parameters(path: Path) -> int:
    """Weights and biases."""
    return sum(math.prod(kernel.dims) + kernel.dims[0] for kernel in convolution_weights(path))


def operations(path: Path) -> float:
    """Multiply-adds of the convolutions per high-resolution pixel."""
    return macs_per_sample(load_network(path)) / SCALE**2


def cpu_milliseconds(
    work: dict[str, Callable[[], object]], rounds: int, repeats: int = 1
) -> dict[str, float]:
    """Median CPU time of each piece of work."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for each in work.values():
        each()
    for _ in range(rounds):
        for name, each in work.items():
            start = time.process_time()
            for _ in range(repeats):
                each()
            times[name].append((time.process_time() - start) * 1000 / repeats)
    return {name: median(of_name) for name, of_name in times.items()}


def frame_runner(path: Path) -> Callable[[], object]:
    """Upscale one frame to 1080p."""
    request = compile_network(path, height=HEIGHT, width=WIDTH).create_infer_request()
    request.get_input_tensor().data[:] = np.random.default_rng(0).random((1, 1, HEIGHT, WIDTH))
    return request.infer


def networks_table(data: Path) -> str:
    """Quality and cost, side by side."""
    speed = cpu_milliseconds({name: frame_runner(path) for name, path in NETWORKS.items()}, ROUNDS)
    rows = [
        "| x3 | images | steps | hours | Set5 | Set14 | parameters | multiply-adds | ms per 1080p frame |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    psnrs = mean_psnrs(data)
    rows.append(f"| bicubic | – | – | – | {psnrs['bicubic']} | – | – | – |")
    for name, path in NETWORKS.items():
        facts = network_metadata(load_network(path))
        trained = " | ".join(facts[name] for name in ("images", "steps", "hours"))
        cost = f"{parameters(path):,} | {operations(path):,.0f} | {speed[name]:.1f}"
        rows.append(f"| {name} | {trained} | {psnrs[str(path)]} | {cost} |")
    return "\n".join([*rows, "", ratios(speed)])


def ratios(speed: dict[str, float]) -> str:
    """Compare the 9-5-5 network's cost with ESPCN's, and with the paper's ratio."""
    large, small = NETWORKS["SRCNN 9-5-5"], NETWORKS["ESPCN, tanh"]
    fewer = operations(large) / operations(small)
    faster = speed["SRCNN 9-5-5"] / speed["ESPCN, tanh"]
    weights = parameters(large) / parameters(small)
    return (
        f"SRCNN 9-5-5 against ESPCN at x{SCALE}: {weights:.2f} times the parameters, {fewer:.1f} times the "
        f"multiply-adds (the paper: 2.5·scale² = {2.5 * SCALE**2:.1f}), {faster:.1f} times the time."
    )


def shuffle_table() -> str:
    """A training step against rearranged targets, and one that shuffles in the loop."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [
        "| scale | rearranged targets, ms | shuffle in the loop, ms | times | gradients differ by at most |",
        "| --- | --- | --- | --- | --- |",
    ]
    for scale in (2, 3, 4):
        network = Espcn(scale)
        low, image = torch.rand(16, 1, 17, 17), torch.rand(16, 1, 17 * scale, 17 * scale)
        phases = functional.pixel_unshuffle(image, scale)

        def step(loss_of: Callable[[], torch.Tensor], network: Espcn = network) -> torch.Tensor:
            network.zero_grad()
            loss_of().backward()
            return torch.cat([weight.grad.flatten() for weight in network.parameters()])

        losses: dict[str, Callable[[], torch.Tensor]] = {
            "data": lambda n=network, x=low, y=phases: functional.mse_loss(n.phases(x), y),
            "loop": lambda n=network, x=low, y=image: functional.mse_loss(n(x), y),
        }
        gap = float((step(losses["data"]) - step(losses["loop"])).abs().max())
        work = {name: lambda loss=loss, step=step: step(loss) for name, loss in losses.items()}
        times = cpu_milliseconds(work, rounds=40, repeats=10)
        rows.append(
            f"| {scale} | {times['data']:.2f} | {times['loop']:.2f} | {times['loop'] / times['data']:.3f} "
            f"| {gap:.0e} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: paper_claims.py FOLDER_WITH_SET5_AND_SET14")
    paste(PAGE, {"networks": networks_table(Path(sys.argv[1])), "shuffle": shuffle_table()})
