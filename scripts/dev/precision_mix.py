"""What bf16 costs layer by layer, as a Markdown table: would a mix of bf16 and fp32 do at 10 bits?

    uv run --extra train python scripts/dev/precision_mix.py [CLIP ...]

A layer in bf16 takes its inputs rounded to bf16 and adds up in fp32, as CPUs do; the shipped weights are
bf16 numbers already. Errors are in codes, before the output is rounded. Without clips it measures on the
scene of before_after.py.
"""

import sys
from itertools import product

import numpy as np
import onnx
import torch
import torch.nn.functional as nn
import vapoursynth as vs
from before_after import draw_scene, to_clip
from onnx import numpy_helper

from vs_espcn.networks import registry

DEPTH = 10
WHITE = 255 << (DEPTH - 8)
MIXES = {
    "all layers": (True, True, True),
    "second and third": (False, True, True),
    "second": (False, True, False),
}


def frames() -> dict[str, torch.Tensor]:
    """Luma of one frame from the middle of each source, resized so that all codes of the depth occur."""
    sources = {name: vs.core.bs.VideoSource(name, cachemode=0) for name in sys.argv[1:]}
    clips = sources or {"drawn scene": to_clip(np.asarray(draw_scene()))}
    deep = vs.core.query_video_format(vs.GRAY, vs.INTEGER, DEPTH, 0, 0).id
    result = {}
    for name, clip in clips.items():
        luma = vs.core.std.ShufflePlanes(clip[clip.num_frames // 2], 0, vs.GRAY)
        small = vs.core.resize.Spline36(luma, width=960, height=540, format=deep)
        codes = np.array(small.get_frame(0)[0]).astype(np.float32)
        result[name] = torch.from_numpy(codes / WHITE)[None, None]
    return result


def run(network: onnx.GraphProto, luma: torch.Tensor, in_bf16: tuple[bool, ...]) -> torch.Tensor:
    """The network's phases, with the inputs of the chosen convolutions rounded to bf16."""
    weights = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in network.initializer
    }
    values, rounded = luma, iter(in_bf16)
    for node in network.node:
        operands = [weights[name] for name in node.input[1:]]
        match node.op_type:
            case "Sub":
                values = values - operands[0]
            case "Mul":
                values = values * operands[0]
            case "Tanh":
                values = torch.tanh(values)
            case "Conv":
                source = values.bfloat16().float() if next(rounded) else values
                values = nn.conv2d(source, *operands, padding="same")
    return values


def main() -> None:
    """Print the table."""
    print(f"| source | scale | layers in bf16 | mean error, {DEPTH}-bit codes | largest error |")
    print("| --- | --- | --- | --- | --- |")
    for (name, luma), scale in product(frames().items(), (2, 3, 4)):
        network = onnx.load(registry.find("espcn", scale).path).graph
        exact = run(network, luma, (False, False, False))
        for mix, in_bf16 in MIXES.items():
            error = (run(network, luma, in_bf16) - exact).abs() * WHITE
            print(f"| {name} | x{scale} | {mix} | {error.mean():.2f} | {error.max():.2f} |")


if __name__ == "__main__":
    main()
