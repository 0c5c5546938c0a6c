"""A single score, and means over many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

UNCOMPRESSED = "uncompressed"
EXACT_COPY = 100.0
"""PSNR in dB given to an exact copy (a black frame, say), so that means stay finite."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How close a method came to one original image or frame.

    Attributes:
        group: Folder of images, or clip.
        item: Image, or number of the frame.
        source: The method's input: `UNCOMPRESSED`, or for example ``"crf 23"``.
        scale: Integer scale.
        method: Name of the method.
        psnr: In dB, on 8-bit luma.
        ssim: 0..1, on 8-bit luma; None for frames.
    """

    group: str
    item: str
    source: str
    scale: int
    method: str
    psnr: float
    ssim: float | None = None


def mean_psnr(scores: Iterable[Score]) -> float:
    """Average the scores' PSNR, in dB."""
    return fmean(score.psnr for score in scores)


def labels(paths: Sequence[Path]) -> list[str]:
    """Label each path with its last part, or with all of it where two labels would be equal."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]
