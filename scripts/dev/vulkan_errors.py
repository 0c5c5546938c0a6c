"""Measure shipped networks that are new or changed on Vulkan against onnxruntime; write engines/fp16.json.

    uv run --group dev python scripts/dev/vulkan_errors.py CLIP_OR_IMAGE ...

Errors are in 8-bit codes before rounding, of parts of 96x72 from the middle of each source's middle frame and
of the scene of drawn_scene.py. Any Vulkan device does; without a GPU it takes device 0. renew_pages.py puts
the table into docs/guides/gpu-vulkan.md.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import vapoursynth as vs
from drawn_scene import draw_scene, to_clip
from numpy.typing import NDArray
from pages import table

from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import GpuPrecision, Vulkan
from vs_espcn.runtime.engine_factory import open_engine

FILE = registry.engines_dir() / "fp16.json"
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "gpu-vulkan.md"
WIDTH, HEIGHT = 96, 72
CODES = 219
"""Of limited range, that a float sample's 0 … 1 stands for."""


def luma(clip: vs.VideoNode) -> NDArray[np.float32]:
    """Luma, 0 … 1, of the middle of a clip's middle frame."""
    clip = clip[clip.num_frames // 2]
    matrix = {"matrix_s": "170m"} if clip.format.color_family == vs.RGB else {}
    clip = vs.core.std.ShufflePlanes(vs.core.resize.Bicubic(clip, format=vs.YUV444PS, **matrix), 0, vs.GRAY)
    left, top = (clip.width - WIDTH) // 2, (clip.height - HEIGHT) // 2
    part = vs.core.std.CropAbs(clip, WIDTH, HEIGHT, left, top)
    return np.array(part.get_frame(0)[0])


def errors(
    spec: registry.ModelSpec, parts: Sequence[NDArray[np.float32]], precision: GpuPrecision
) -> NDArray[np.float32]:
    """How far every sample is from onnxruntime's."""
    network = registry.load_network(spec.path)
    model = graph.build_graph(network, graph.FLOAT32, full_range=True, width=WIDTH, height=HEIGHT)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    engine = open_engine(Vulkan(device=0, precision=precision), model, lanes=1)
    found = np.empty((len(parts), HEIGHT * spec.scale, WIDTH * spec.scale), np.float32)
    for part, target in zip(parts, found, strict=True):
        engine.slots[0].upscale(part, target)
        target[:] -= session.run(None, {graph.FRAME_NAME: part[None, None]})[0][0, 0]
    engine.close()
    return CODES * np.abs(found)


def measured(spec: registry.ModelSpec, parts: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """A network's entry."""
    fp16, fp32 = (errors(spec, parts, precision) for precision in ("fp16", "fp32"))
    return {
        "mean": round(float(fp16.mean()), 3),
        "largest": round(float(fp16.max()), 2),
        "largest_fp32": round(float(fp32.max()), 4),
    }


def errors_table() -> str:
    """The Markdown table."""
    entries: Mapping[str, Mapping[str, float]] = json.loads(FILE.read_text())
    figures = ("{largest_fp32:.4f}", "{mean:.3f}", "{largest:.2f}")
    rows = [
        [name.removesuffix(".onnx"), *(figure.format(**each) for figure in figures)]
        for name, each in entries.items()
    ]
    return table(["network", "fp32: largest error", "fp16: mean error", "fp16: largest error"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="+")
    clips = [vs.core.bs.VideoSource(name, cachemode=0) for name in parser.parse_args().source]
    parts = [luma(clip) for clip in (*clips, to_clip(np.asarray(draw_scene())))]
    specs = {spec.path.name: spec for spec in registry.shipped() if not spec.is_int8}
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    for name, spec in specs.items():
        digest = hashlib.sha256(spec.path.read_bytes()).hexdigest()[:16]
        if known.get(name, {}).get("sha256") == digest:
            continue
        known[name] = {"sha256": digest, **measured(spec, parts)}
        print(name, known[name], flush=True)
        entries = {name: known[name] for name in specs if name in known}
        FILE.write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
