"""Print the error of fp16 against fp32 on Vulkan by network, in 8-bit codes, as a Markdown table.

    uv run --group dev python scripts/dev/vulkan_errors.py IMAGE ...

It measures parts of 96x72 from the middle of each image, before rounding; at 10 bits the figures are four
times those.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import GpuPrecision, Vulkan
from vs_espcn.runtime.engine_factory import open_engine

WIDTH, HEIGHT = 96, 72
CODES = 219
"""Of limited range, that a float sample's 0 … 1 stands for."""


def luma(path: Path) -> NDArray[np.float32]:
    """BT.601 luma, 0 … 1, of the middle of an image."""
    rgb = np.asarray(Image.open(path).convert("RGB")).astype(np.float32) / 255
    top, left = ((side - part) // 2 for side, part in zip(rgb.shape, (HEIGHT, WIDTH), strict=False))
    return rgb[top : top + HEIGHT, left : left + WIDTH] @ np.array([0.299, 0.587, 0.114], np.float32)


def upscaled(
    spec: registry.ModelSpec, parts: Sequence[NDArray[np.float32]], precision: GpuPrecision
) -> NDArray[np.float32]:
    """Every part through a network."""
    network = registry.load_network(spec.path)
    model = graph.build_graph(network, graph.FLOAT32, full_range=True, width=WIDTH, height=HEIGHT)
    engine = open_engine(Vulkan(precision=precision), model, lanes=1)
    targets = np.empty((len(parts), HEIGHT * spec.scale, WIDTH * spec.scale), np.float32)
    for part, target in zip(parts, targets, strict=True):
        engine.slots[0].upscale(part, target)
    engine.close()
    return targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, nargs="+")
    parts = [luma(path) for path in parser.parse_args().image]
    print("| network | mean error | largest error |\n| --- | --- | --- |")
    for spec in registry.shipped():
        if spec.is_int8:
            continue
        error = CODES * np.abs(upscaled(spec, parts, "fp16") - upscaled(spec, parts, "fp32"))
        print(f"| {spec.path.stem} | {error.mean():.3f} | {error.max():.2f} |", flush=True)


if __name__ == "__main__":
    main()
