"""PSNR of the networks on the paper's kinds of images and clips."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from paper_networks import CONTENDERS, ESPCN, SHIPPED, SRCNN_955, Contender, facts

from vs_espcn.evaluation.images import Original, read_folders, score_images
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.scores import Score, mean_psnr
from vs_espcn.evaluation.video import score_clips
from vs_espcn.runtime.backends import OpenVINO

BICUBIC = "bicubic"
SETS = {"Set5": "eval/Set5", "Set14": "eval/Set14", "BSDS": "train/bsds200"}
"""Folder of each set of images."""

BSDS_IMAGES = 20
"""Of the BSDS set, the first by name: the networks at high resolution take seconds an image."""

CLIPS = (
    "natural_1080p60_mural.mp4",
    "natural_720p_dog.mp4",
    "natural_540p_flower.mp4",
    "cartoon_720p_bbb.mp4",
)
CLIP_FRAMES = 3
BACKEND = OpenVINO(precision="fp32")

ABSENT = "no data"


@cache
def read_images(data: Path) -> list[Original]:
    """The images of all sets that are there; a line on stderr names each that is not."""
    images: list[Original] = []
    for name, folder in SETS.items():
        if not (data / folder).is_dir():
            sys.stderr.write(f"{name} is left out: there is no folder {data / folder}\n")
            continue
        read = read_folders([data / folder], [2, 3, 4])
        images += read[:BSDS_IMAGES] if name == "BSDS" else read
    return images


@cache
def image_scores(data: Path, scale: int) -> list[Score]:
    """Every trained network on every set, and bicubic."""
    files = [contender.path(scale) for contender in CONTENDERS if contender.is_trained(scale)]
    methods, scales = choose([BICUBIC], files, None, [scale], BACKEND)
    return list(score_images(read_images(data), methods, scales))


def image_cell(data: Path, scale: int, name: str, contender: Contender | None) -> str:
    """Mean PSNR on a set; None for bicubic."""
    folder = Path(SETS[name]).name
    method = str(contender.path(scale)) if contender else BICUBIC
    scores = [score for score in image_scores(data, scale) if (score.method, score.group) == (method, folder)]
    if not scores:
        return ABSENT
    if contender and folder in facts(contender.path(scale)).get("data", "").split():
        return "trained on"
    return f"{mean_psnr(scores):.2f}"


def clip_rows(data: Path, scale: int) -> list[list[str]]:
    """A row for each clip: bicubic and those of the contenders that are trained."""
    contenders = video_contenders(scale)
    methods, scales = choose([BICUBIC], [each.path(scale) for each in contenders], None, [scale], BACKEND)
    rows = []
    means: dict[str, list[float]] = {method.name: [] for method in methods}
    for name in CLIPS:
        path = data / "video" / name
        if not path.is_file():
            sys.stderr.write(f"{name} is left out: it is not in {data / 'video'}\n")
            rows.append([name, *([ABSENT] * len(methods))])
            continue
        scores = list(score_clips([path], methods, scales, frames=CLIP_FRAMES, rates=()))
        for method in methods:
            means[method.name].append(mean_psnr(each for each in scores if each.method == method.name))
        rows.append([name, *(f"{means[method.name][-1]:.2f}" for method in methods)])
    if all(means.values()):
        rows.append(["**mean**", *(f"{sum(of) / len(of):.2f}" for of in means.values())])
    return rows


def video_contenders(scale: int) -> Sequence[Contender]:
    """Those of the paper's Tables 3 and 4 that are trained."""
    return [each for each in (SRCNN_955, ESPCN, SHIPPED) if each.is_trained(scale)]
