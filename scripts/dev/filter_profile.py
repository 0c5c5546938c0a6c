"""Print the processor time per 1920×1080 frame that each part of the filter adds to its network, as Markdown.

uv run python scripts/dev/filter_profile.py

An engine that computes nothing replaces the real one, so that only the filter's own work remains: copies
(including the pixel shuffle), chroma, frames and VapourSynth's calls. Processor time counts all cores; other
programs hardly affect it.
"""

import time
from unittest import mock

import numpy as np
import vapoursynth as vs
from onnx import ModelProto

import vs_espcn
from vs_espcn.bench.cpu import UpscaleCase
from vs_espcn.bench.interleaving import grey_clip
from vs_espcn.filter import luma
from vs_espcn.filter.chroma import find_resizer, scale_chroma
from vs_espcn.runtime.backends import Backend, OpenVINO
from vs_espcn.runtime.engine import Plane
from vs_espcn.runtime.shuffle import interleave

WARM_UP, FRAMES, ROUNDS = 20, 200, 3


class CopyingSlot:
    """A slot that copies planes like a real one, and computes nothing."""

    def __init__(self, source: tuple[int, ...], target: tuple[int, ...]) -> None:
        self._input = np.empty(source, np.uint8)
        self._phases = np.zeros((*source, (target[0] // source[0]) ** 2), np.uint8)

    def upscale(self, source: Plane, target: Plane) -> None:
        np.copyto(self._input, source)
        interleave(self._phases, target)


class CopyingEngine:
    """An engine of copying slots."""

    description = "an engine that only copies"

    def __init__(self, _backend: Backend, graph: ModelProto, *, lanes: int) -> None:
        shapes = [
            tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim[2:])
            for value in (graph.graph.input[0], graph.graph.output[0])
        ]
        self.slots = tuple(CopyingSlot(*shapes) for _ in range(lanes))

    def close(self) -> None:
        """Do nothing."""


def cpu_ms(clip: vs.VideoNode) -> float:
    """Return the processor time per frame in milliseconds, the smallest of a few rounds."""
    spent = []
    for number in range(ROUNDS):
        first = WARM_UP + number * FRAMES
        for _ in clip[:WARM_UP].frames(close=True):
            pass
        start = time.process_time()
        for _ in clip[first : first + FRAMES].frames(close=True):
            pass
        spent.append((time.process_time() - start) / FRAMES)
    return 1000 * min(spent)


def parts(scale: int) -> dict[str, vs.VideoNode]:
    """Return clips that each do one part of the work."""
    clip = grey_clip(*UpscaleCase(scale=scale).source)
    width, height = clip.width * scale, clip.height * scale
    planes = scale_chroma(clip, width, height, resizer=find_resizer("spline36"), location=vs.CHROMA_LEFT)
    blank = vs.core.std.BlankClip(planes[0], width=width, height=height, keep=True)
    with mock.patch.object(luma, "open_engine", CopyingEngine):
        whole = vs_espcn.upscale(clip, scale, backend=OpenVINO())
        grey = vs_espcn.upscale(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), scale, backend=OpenVINO())
    return {
        "the filter without its network": whole,
        "of which luma": grey,
        "of which chroma (zimg)": vs.core.std.ShufflePlanes([blank, *planes], [0, 0, 0], vs.YUV),
        "for comparison: zimg spline36 of the whole clip": vs.core.resize.Spline36(clip, width, height),
    }


def main() -> None:
    """Print the table."""
    columns = {scale: {name: cpu_ms(clip) for name, clip in parts(scale).items()} for scale in (2, 3, 4)}
    print("| ms of one core per frame | x2 | x3 | x4 |")
    print("| --- | --- | --- | --- |")
    for name in columns[2]:
        print(f"| {name} | {' | '.join(f'{columns[scale][name]:.2f}' for scale in columns)} |")


if __name__ == "__main__":
    main()
