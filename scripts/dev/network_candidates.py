"""Print the cost and quality of thin networks by channels, depth and activation, as a Markdown table.

    uv run --extra train python scripts/dev/network_candidates.py DATA [--scale 2] [--steps 1500]

Milliseconds are the smallest of all interleaved rounds: one 960×540 frame of 8-bit luma on one thread of the
engine alone. Kernels are those of the plan that TensorRT-RTX builds in fp16 for compute capability 8.9, if it
is installed. PSNR is that of held-out images, after a short training on the images in the folder DATA.
"""

import argparse
import logging
import math
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from brief_training import train_briefly
from one_thread import compiled
from onnx import ModelProto, numpy_helper

from vs_espcn.errors import RuntimeMissingError
from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.networks.graph import UINT8, build_graph
from vs_espcn.runtime.cuda_slot import typed_graph
from vs_espcn.runtime.tensorrt.api import load_api
from vs_espcn.runtime.tensorrt.build import build_plan
from vs_espcn.training.data.dataset import TrainingImages, load_images
from vs_espcn.training.data.degradation import bicubic
from vs_espcn.training.evaluate import as_upscaler, score_pair
from vs_espcn.training.export import in_bfloat16, to_onnx
from vs_espcn.training.int8.calibration import calibrate, ramps
from vs_espcn.training.int8.rounding import round_weights
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import Espcn, Network
from vs_espcn.training.networks.subpixel import Shape, Subpixel
from vs_espcn.training.recipes import MODERN

SHAPES = [
    Shape(channels=channels, depth=depth)
    for channels, depths in {8: (4,), 12: (4,), 16: (4, 6, 8, 16), 24: (4,), 32: (2, 4)}.items()
    for depth in depths
]
ALL_ACTIVATIONS = Shape(channels=16, depth=4)
UNTRAINED = {"prelu": ("PRelu", [0.2]), "clip": ("Clip", [-1.0, 1.0])}
"""Activations that are only timed: operation, and its constants per channel."""
WIDTH, HEIGHT = 960, 540


def networks(scale: int) -> dict[str, Network]:
    """Return every candidate that can be trained, by name, with random weights."""
    torch.manual_seed(0)
    made: dict[str, Network] = {"espcn, tanh": Espcn(scale)}
    for shape in SHAPES:
        for activation in ("leaky", "relu", "tanh") if shape == ALL_ACTIVATIONS else ("leaky",):
            name = f"M{shape.depth}C{shape.channels}, {activation}"
            made[name] = Subpixel(name, scale, activation, shape=shape)
    return made


def with_activation(model: ModelProto, name: str) -> ModelProto:
    """Return a network of ReLUs with another activation and untrained slopes."""
    shapes = {each.name: each.dims for each in model.graph.initializer}
    changed = ModelProto()
    changed.CopyFrom(model)
    for before, node in pairwise(changed.graph.node):
        if node.op_type != "Relu":
            continue
        node.op_type, values = UNTRAINED[name]
        slopes = (shapes[before.input[1]][0], 1, 1) if node.op_type == "PRelu" else ()
        for number, value in enumerate(values):
            constant = np.full(slopes, value, np.float32)
            changed.graph.initializer.append(numpy_helper.from_array(constant, f"{node.name}.{number}"))
            node.input.append(f"{node.name}.{number}")
    return changed


def in_floats(made: dict[str, Network], scale: int) -> dict[str, ModelProto]:
    """Return every candidate by name, as engines get it."""
    models = {name: to_onnx(network, {}) for name, network in made.items()}
    shape = ALL_ACTIVATIONS
    relus = to_onnx(Subpixel("relus", scale, "relu", shape=shape), {})
    for activation in UNTRAINED:
        models[f"M{shape.depth}C{shape.channels}, {activation}"] = with_activation(relus, activation)
    return {name: in_bfloat16(model) for name, model in models.items()}


def in_int8(made: dict[str, Network]) -> dict[str, ModelProto]:
    """Return the int8 forms of candidates; the patches for rounding don't affect their speed."""
    models = {}
    for name, network in made.items():
        int8 = Int8Network(network)
        calibrate(int8, ramps(16, 32))
        models[name] = to_onnx(round_weights(int8, ramps(16, 32)), {})
    return models


def held_out(network: Network, images: TrainingImages, steps: int) -> float:
    """Return the mean PSNR of the held-out images in dB, after some steps of the recipe ``modern``."""
    train_briefly(network, *MODERN.course(images.pairs, 0), steps=steps)
    upscale = as_upscaler(network)
    return float(np.mean([score_pair(*pair, network.scale, upscale) for pair in images.validation]))


def runner(model: ModelProto, precision: str) -> Callable[[], float]:
    """Return a function that runs one frame and returns its time in milliseconds."""
    graph = build_graph(model, UINT8, full_range=False, width=WIDTH, height=HEIGHT)
    request = compiled(graph, precision)
    frame = np.random.default_rng(0).integers(16, 236, (1, 1, HEIGHT, WIDTH), np.uint8)
    request.get_input_tensor().data[:] = frame

    def run() -> float:
        start = time.perf_counter()
        request.infer()
        return 1000 * (time.perf_counter() - start)

    return run


def least(runners: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each candidate, measured in interleaved rounds."""
    times = {name: float("inf") for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            times[name] = min(times[name], run())
    return times


class _Kernels(logging.Handler):
    """Counter of the kernels that TensorRT's log lists at the end of a build."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count the kernels in one message."""
        self.count += len(re.findall(r"^Name: .*LayerType", record.getMessage(), re.MULTILINE))


def kernels(model: ModelProto) -> str:
    """Return the number of kernels in the plan of TensorRT-RTX, or a dash if it is not installed."""
    graph = typed_graph(build_graph(model, UINT8, full_range=False, width=WIDTH, height=HEIGHT), "fp16")
    log, counter = logging.getLogger("vs_espcn.runtime.tensorrt.api"), _Kernels()
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
    parser.add_argument("data", type=Path, nargs="+", help="folders of images to train on")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1500)
    arguments = parser.parse_args()
    made = networks(arguments.scale)
    floats = in_floats(made, arguments.scale)
    times = {
        precision: least({name: runner(model, hint) for name, model in models.items()}, arguments.rounds)
        for precision, hint, models in (
            ("int8", "f32", in_int8(made)),
            ("bf16", "bf16", floats),
            ("fp32", "f32", floats),
        )
    }
    recipe = {"patch": MODERN.patch, "shares": MODERN.shares}
    images = load_images(
        arguments.data, arguments.scale, degrades=(bicubic,), validate_by=(bicubic,), **recipe
    )
    columns = ["network", "operations", "of ESPCN", "parameters", *(f"{each}, ms" for each in times)]
    print("|", " | ".join([*columns, "kernels", "held out, dB"]), "|")
    print("| --- " * (len(columns) + 2) + "|")
    espcn = macs_per_sample(floats["espcn, tanh"])
    for name, model in floats.items():
        macs = round(macs_per_sample(model))
        trained = (each for each in model.graph.initializer if each.name.startswith("conv"))
        parameters = sum(math.prod(each.dims) for each in trained)
        milliseconds = [f"{of_each[name]:.1f}" if name in of_each else "–" for of_each in times.values()]
        psnr = f"{held_out(made[name], images, arguments.steps):.2f}" if name in made else "–"
        cells = [name, macs, f"{macs / espcn:.2f}", parameters, *milliseconds, kernels(model), psnr]
        print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
