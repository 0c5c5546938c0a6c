"""Measure bicubic and the shipped networks that are new or changed, and write engines/quality.json.

uv run --extra train python scripts/dev/network_quality.py ../shared/data

The folder holds eval/Set5, eval/Set14, video/ and train_drawn/. Images are measured by the protocol of
docs/measurements/quality.md, and Set5 with each of the common kernels too. Of clips, the middle of the first
FRAMES frames is measured after x264 at RATES. Networks run in float32 in onnxruntime, where the codes of int8
networks are exact. Anime is a cartoon, and pans over drawings on which no network was trained.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import vapoursynth as vs
from open_data import open_drawing, pan

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.evaluation.clips import Luma, first_luma, through_arrays, to_clip
from vs_espcn.evaluation.images import Original, degrade, read_folders
from vs_espcn.evaluation.methods import Method, choose
from vs_espcn.evaluation.scores import UNCOMPRESSED, Score
from vs_espcn.evaluation.video import score_clips
from vs_espcn.networks import registry
from vs_espcn.networks.quality import bicubic_entry
from vs_espcn.training.data.degradation import round_to_8_bit
from vs_espcn.training.data.kernels import COMMON, KERNELS
from vs_espcn.training.metrics import mod_crop, psnr, shave

FRAMES, RATES, MIDDLE = 3, (18, 23, 28), "crop=640:352"
FILMED = ("natural_1080p60_mural.mp4", "natural_720p_dog.mp4", "natural_540p_flower.mp4")
CARTOONS = ("cartoon_720p_bbb.mp4",)
DRAWN = (
    "IppClub+Dora-SSR__derivative_rola.jpg",
    "SnowyYANG+godot-visual-novel__CG.jpg",
    "squishy-scsi+squishy__electrichearts_20220323A_sachi.png",
)
PROTOCOL = hashlib.sha256(
    repr((FRAMES, RATES, MIDDLE, FILMED, CARTOONS, DRAWN, COMMON)).encode()
).hexdigest()[:16]
"""Hash of the protocol; only figures with the same one can be compared."""


def digest(path: Path) -> str:
    """Return a hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def marks(spec: registry.ModelSpec) -> dict[str, str]:
    """Return the hashes that say which file and protocol an entry is about."""
    return {"sha256": digest(spec.path), "protocol": PROTOCOL}


def renewed(entries: dict[str, Any], data: Path) -> dict[str, Any]:
    """Return the entries of all shipped networks, and measure only new or changed files."""
    specs = registry.shipped()
    wanted = {spec.path.name: (spec.scale, marks(spec)) for spec in specs}
    scales = {spec.scale for spec in specs}
    wanted |= {bicubic_entry(scale): (scale, {"protocol": PROTOCOL}) for scale in scales}
    stale = [name for name, (_, of) in wanted.items() if not of.items() <= entries.get(name, {}).items()]
    for scale in sorted({wanted[name][0] for name in stale}):
        methods = [_method(name, scale) for name in stale if wanted[name][0] == scale]
        print(f"measuring {', '.join(method.name for method in methods)}", file=sys.stderr)
        figures = measured(methods, scale, data)
        entries = entries | {name: wanted[name][1] | of_method for name, of_method in figures.items()}
    return {name: entries[name] for name in wanted}


def measured(methods: Sequence[Method], scale: int, data: Path) -> dict[str, dict[str, float]]:
    """Measure methods at one scale, and return their figures by name."""
    images = read_folders([data / "eval" / name for name in ("Set5", "Set14")], [scale])
    of_images = list(psnrs(images, methods, scale, "bicubic"))
    set5 = [image for image in images if image.group == "Set5"]
    of_kernels = [score for kernel in COMMON for score in psnrs(set5, methods, scale, kernel)]
    with TemporaryDirectory() as folder:
        drawings = [Path(folder) / "pans" / f"{Path(name).stem}.mkv" for name in DRAWN]
        for name, clip in zip(DRAWN, drawings, strict=True):
            pan(open_drawing(data / "train_drawn" / name), clip)
        filmed, drawn = (
            [
                score
                for score in of_clips([middle(path, Path(folder)) for path in paths], methods, scale)
                if score.source != UNCOMPRESSED
            ]
            for paths in (
                [data / "video" / name for name in FILMED],
                [*(data / "video" / name for name in CARTOONS), *drawings],
            )
        )
    groups = {
        "set5": [score for score in of_images if score.group == "Set5"],
        "set14": [score for score in of_images if score.group == "Set14"],
        "kernels": of_kernels,
        "video": filmed,
        "anime": drawn,
    }
    return {
        method.name: {name: mean_of(method, scores) for name, scores in groups.items()} for method in methods
    }


def psnrs(images: Sequence[Original], methods: Sequence[Method], scale: int, kernel: str) -> Iterator[Score]:
    """Score images without SSIM, which would take longer than the networks."""
    for image in images:
        truth = mod_crop(image.luma, scale)
        low = to_clip(degrade(truth, scale, KERNELS[kernel]))
        for method in methods:
            result = first_luma(method.upscale(low, scale))
            yield Score(
                group=image.group,
                item=image.name,
                source=kernel,
                scale=scale,
                method=method.name,
                psnr=psnr(shave(result, scale), shave(truth, scale)),
            )


def of_clips(paths: Sequence[Path], methods: Sequence[Method], scale: int) -> Iterable[Score]:
    """Score the first frames of clips."""
    return score_clips(paths, methods, [scale], frames=FRAMES, rates=RATES)


def middle(path: Path, folder: Path) -> Path:
    """Write the middle of a clip's first frames to a lossless file."""
    clip = folder / f"{path.stem}.mkv"
    frames = ("-map", "0:V:0", "-frames:v", str(FRAMES), "-vf", MIDDLE, "-pix_fmt", "yuv420p", "-c:v", "ffv1")
    subprocess.run([find_ffmpeg().path, "-v", "error", "-i", path, *frames, clip], check=True)
    return clip


def mean_of(method: Method, scores: Iterable[Score]) -> float:
    """Return a method's mean PSNR in dB; all clips and rates have the same number of frames."""
    return round(fmean(score.psnr for score in scores if score.method == method.name), 3)


def _method(name: str, scale: int) -> Method:
    """Return the method of an entry, with the entry's name."""
    if name == bicubic_entry(scale):
        (resizer,), _ = choose(["bicubic"], [], None, [scale], None)
        return replace(resizer, name=name)
    return Method(name=name, scales=frozenset({scale}), upscale=_exactly(registry.engines_dir() / name))


def _exactly(path: Path) -> Callable[[vs.VideoNode, int], vs.VideoNode]:
    """Return a network in float32, where the codes of an int8 one are exact on any processor."""
    options = onnxruntime.SessionOptions()
    if registry.is_int8(registry.load_network(path)):  # else onnxruntime computes in int8, which may overflow
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(path, options)

    def of_luma(luma: Luma) -> Luma:
        given = {registry.INPUT_NAME: (luma[None, None] / 255).astype(np.float32)}
        return round_to_8_bit(np.asarray(session.run(None, given)[0])[0, 0])

    return lambda clip, scale: through_arrays(clip, scale, of_luma)


def main(data: Path) -> None:
    """Bring the file up to date."""
    path = registry.engines_dir() / "quality.json"
    entries = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(renewed(entries, data), indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: network_quality.py DATA")
    main(Path(sys.argv[1]).resolve())
