"""Measure the shipped networks that are new or changed, and write engines/quality.json.

uv run --extra train python scripts/dev/network_quality.py ../shared/data

The folder holds eval/Set5, eval/Set14, video/ and train/anime. Images are measured by the protocol of
docs/training.md, clips after x264 at the rates and over the frames below; float networks in fp32, int8 ones
as they are. Two drawn frames count as cartoons: a pan over each makes a clip of it.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.evaluation.images import read_folders, score_images
from vs_espcn.evaluation.methods import Method, choose
from vs_espcn.evaluation.scores import UNCOMPRESSED, Score
from vs_espcn.evaluation.video import score_clips
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import OpenVINO

FRAMES, RATES = 6, (23, 28)
FILMED = ("natural_1080p60_mural.mp4", "natural_720p_dog.mp4", "natural_540p_flower.mp4")
CARTOONS = ("cartoon_720p_bbb.mp4",)
DRAWN = ("vn_campus_sylvie_blue.png", "vn_club_sylvie_blue.png")
PAN = "crop=1200:680:2*n:n"
PROTOCOL = hashlib.sha256(repr((FRAMES, RATES, FILMED, CARTOONS, DRAWN, PAN)).encode()).hexdigest()[:16]
"""Tells figures that can be compared from others."""


def digest(path: Path) -> str:
    """Tells one version of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def marks(spec: registry.ModelSpec) -> dict[str, str]:
    """What an entry is about."""
    return {"sha256": digest(spec.path), "protocol": PROTOCOL}


def renewed(entries: dict[str, Any], data: Path) -> dict[str, Any]:
    """The entries of all shipped networks; only what they don't hold of a file is measured."""
    specs = registry.shipped()
    stale = [spec for spec in specs if not marks(spec).items() <= entries.get(spec.path.name, {}).items()]
    for scale in sorted({spec.scale for spec in stale}):
        of_scale = [spec for spec in stale if spec.scale == scale]
        print(f"measuring {', '.join(spec.path.name for spec in of_scale)}", file=sys.stderr)
        entries = entries | measured(of_scale, scale, data)
    return {spec.path.name: entries[spec.path.name] for spec in specs}


def measured(specs: Sequence[registry.ModelSpec], scale: int, data: Path) -> dict[str, Any]:
    """One entry for each of some networks of one scale."""
    methods = [_method(spec) for spec in specs]
    folders = [data / "eval" / name for name in ("Set5", "Set14")]
    of_images = list(score_images(read_folders(folders, [scale]), methods, [scale]))
    with TemporaryDirectory() as folder:
        pans = [pan(data / "train" / "anime" / name, Path(folder)) for name in DRAWN]
        filmed, cartoons = (
            [score for score in of_clips(paths, methods, scale) if score.source != UNCOMPRESSED]
            for paths in (
                [data / "video" / name for name in FILMED],
                [*(data / "video" / name for name in CARTOONS), *pans],
            )
        )
    groups = {
        "set5": [score for score in of_images if score.group == "Set5"],
        "set14": [score for score in of_images if score.group == "Set14"],
        "video": filmed,
        "anime": cartoons,
    }
    return {
        spec.path.name: marks(spec) | {name: mean_of(method, scores) for name, scores in groups.items()}
        for spec, method in zip(specs, methods, strict=True)
    }


def of_clips(paths: Sequence[Path], methods: Sequence[Method], scale: int) -> Iterable[Score]:
    """Scores of the first frames of clips."""
    return score_clips(paths, methods, [scale], frames=FRAMES, rates=RATES)


def pan(image: Path, folder: Path) -> Path:
    """A lossless clip of a picture, seen through a window that moves."""
    clip = folder / f"{image.stem}.mkv"
    frames = ("-frames:v", str(FRAMES), "-pix_fmt", "yuv420p", "-c:v", "ffv1")
    command = [find_ffmpeg().path, "-v", "error", "-loop", "1", "-i", image, "-vf", PAN, *frames, clip]
    subprocess.run(command, check=True)
    return clip


def mean_of(method: Method, scores: Iterable[Score]) -> float:
    """A method's mean PSNR in dB; each clip and rate has as many frames."""
    return round(fmean(score.psnr for score in scores if score.method == method.name), 3)


def _method(spec: registry.ModelSpec) -> Method:
    int8 = registry.is_int8(registry.load_network(spec.path))
    backend = OpenVINO(precision="int8" if int8 else "fp32")
    methods, _ = choose(["bicubic"], [spec.path], None, [spec.scale], backend)
    return methods[-1]


def main(data: Path) -> None:
    """Bring the file up to date."""
    path = registry.engines_dir() / "quality.json"
    entries = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(renewed(entries, data), indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: network_quality.py DATA")
    main(Path(sys.argv[1]).resolve())
