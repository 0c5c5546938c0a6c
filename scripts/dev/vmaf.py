"""Renew the VMAF table of docs/measurements/networks.md: clips after x264, upscaled, against the originals.

uv run --extra train python scripts/dev/vmaf.py ../shared/data [NETWORK.onnx ...]

VMAF (v0.6.1) and VMAF-NEG, which does not reward sharpening, come from ffmpeg's filter libvmaf. They measure
luma only: chroma is grey in both clips. Files are networks to measure in addition to the shipped ones.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import vapoursynth as vs
from network_tables import CLIPS, FP32, PAGE, networks
from pages import paste

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess
from vs_espcn.evaluation.methods import Method, choose
from vs_espcn.evaluation.video import compressed, open_clip, reduced
from vs_espcn.streaming import y4m_writer
from vs_espcn.training.data.kernels import KERNELS

SCALE = 2
FRAMES, RATES = 6, (23, 28)
MODELS = {"VMAF": "vmaf_v0.6.1", "NEG": "vmaf_v0.6.1neg"}


def main(data: Path, files: Sequence[Path]) -> None:
    """Measure and bring the page up to date."""
    methods, _ = choose(networks("video"), files, None, (SCALE,), FP32)
    sums: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for name in CLIPS:
        for method, rate, scores in of_clip(data / "video" / name, methods):
            sums.setdefault((method.name, rate), []).append(scores)
    heads = [f"{model}, crf {rate}" for rate in RATES for model in MODELS]
    lines = ["| network | " + " | ".join(heads) + " |", "| --- " * (1 + len(heads)) + "|"]
    for method in methods:
        means = [
            sum(scores[position] for scores in sums[method.name, rate]) / len(CLIPS)
            for rate in RATES
            for position in range(len(MODELS))
        ]
        lines.append(f"| `{Path(method.name).stem}` | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    paste(PAGE, {"vmaf": "\n".join(lines)})


def of_clip(path: Path, methods: Sequence[Method]) -> Iterator[tuple[Method, int, tuple[float, ...]]]:
    """Yield each method and rate with the mean scores over a clip's first frames."""
    clip = open_clip(path, FRAMES)
    unit = 2 * SCALE
    truth = vs.core.std.Crop(clip, right=clip.width % unit, bottom=clip.height % unit)
    low = reduced(truth, SCALE, KERNELS["bicubic"])
    with TemporaryDirectory() as folder:
        for rate in RATES:
            given = compressed(low, rate, Path(folder) / f"{rate}.mkv")
            for method in methods:
                result = method.upscale(vs.core.std.ShufflePlanes(given, 0, vs.GRAY), SCALE)
                yield method, rate, vmaf(result, truth, Path(folder))


def vmaf(result: vs.VideoNode, truth: vs.VideoNode, folder: Path) -> tuple[float, ...]:
    """Return the mean scores, one for each of MODELS."""
    reference, log = folder / "truth.mkv", folder / "scores.json"
    lossless = ("-f", "yuv4mpegpipe", "-i", "pipe:0", "-c:v", "ffv1", "-y", f"file:{reference}")
    run_ffmpeg(lossless, grey_chroma(truth))
    models = "|".join(f"version={version}\\:name={name}" for name, version in MODELS.items())
    measure = f"[0:v][1:v]libvmaf=model='{models}':log_fmt=json:log_path={log}"
    given = ("-f", "yuv4mpegpipe", "-i", "pipe:0", "-i", f"file:{reference}")
    run_ffmpeg((*given, "-lavfi", measure, "-f", "null", "-"), grey_chroma(result))
    pooled = json.loads(log.read_text())["pooled_metrics"]
    return tuple(pooled[name]["mean"] for name in MODELS)


def grey_chroma(clip: vs.VideoNode) -> vs.VideoNode:
    """Return a clip's luma as 4:2:0 at a constant frame rate, since libvmaf takes no grey clips."""
    luma = vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)
    luma = vs.core.std.AssumeFPS(luma, fpsnum=25, fpsden=1)
    blank = vs.core.std.BlankClip(luma, format=vs.YUV420P8, color=[128, 128, 128])
    return vs.core.std.ShufflePlanes([luma, blank, blank], [0, 1, 2], vs.YUV)


def run_ffmpeg(arguments: Sequence[str], clip: vs.VideoNode) -> None:
    """Pipe a clip into ffmpeg."""
    with FfmpegProcess(find_ffmpeg().path, arguments) as process:
        process.feed(y4m_writer.frame_buffers(clip))
        process.finish(clip.num_frames)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: vmaf.py DATA [NETWORK.onnx ...]")
    main(Path(sys.argv[1]).resolve(), [Path(file) for file in sys.argv[2:]])
