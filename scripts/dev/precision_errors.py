"""Print the error of bf16 against fp32, in codes of each depth, as a Markdown table.

    uv run --extra train python scripts/dev/precision_errors.py [CLIP ...]

Without clips it measures the scene of drawn_scene.py.
"""

import sys

import numpy as np
import vapoursynth as vs
from drawn_scene import draw_scene, to_clip

import vs_espcn

DEPTHS = (8, 10, 12)
SCALES = (2, 3, 4)


def clips() -> dict[str, vs.VideoNode]:
    """Return the luma of each source's middle frame."""
    if len(sys.argv) == 1:
        return {"drawn scene": to_clip(np.asarray(draw_scene()))}
    sources = {name: vs.core.bs.VideoSource(name, cachemode=0) for name in sys.argv[1:]}
    return {
        name: vs.core.std.ShufflePlanes(clip[clip.num_frames // 2], 0, vs.GRAY)
        for name, clip in sources.items()
    }


def luma(clip: vs.VideoNode, scale: int, precision: str) -> np.ndarray:
    """Return the codes of the upscaled frame."""
    upscaled = vs_espcn.upscale(clip, scale, backend=vs_espcn.OpenVINO(precision=precision))
    return np.array(upscaled.get_frame(0)[0]).astype(np.int64)


def main() -> None:
    """Print the table."""
    print("| source | scale | depth | mean error, codes | largest error, codes |")
    print("| --- | --- | --- | --- | --- |")
    for name, clip in clips().items():
        for depth in DEPTHS:
            deep = vs.core.resize.Point(
                clip, format=vs.core.query_video_format(vs.GRAY, vs.INTEGER, depth, 0, 0).id
            )
            for scale in SCALES:
                error = np.abs(luma(deep, scale, "bf16") - luma(deep, scale, "fp32"))
                print(f"| {name} | x{scale} | {depth} bit | {error.mean():.2f} | {error.max()} |")


if __name__ == "__main__":
    main()
