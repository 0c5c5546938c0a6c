"""Whole encodes: a file in, x264 veryfast, a file out, in processes of their own."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from vs_espcn.errors import BackendError


@dataclass(frozen=True, kw_only=True)
class Encode:
    """Frames per second of ``vs-espcn upscale``, its start and its encoder included; median of the rounds."""

    scale: int
    precision: str
    frames: int
    fps: float


def encodes(
    clip: Path, scales: Sequence[int], precisions: Sequence[str], *, repeats: int
) -> Iterator[Encode]:
    """Encode a clip at each scale and precision, in interleaved rounds.

    Args:
        clip: A video file.
        scales: Scales of the network.
        precisions: Its arithmetics.
        repeats: Rounds.

    Raises:
        BackendError: An encode failed.
    """
    cases = [(scale, precision) for scale in scales for precision in precisions]
    rounds = [[_encode(clip, *case) for case in cases] for _ in range(repeats)]
    for (scale, precision), of_case in zip(cases, zip(*rounds, strict=True), strict=True):
        fps = median(frames / seconds for frames, seconds in of_case)
        yield Encode(scale=scale, precision=precision, frames=of_case[0][0], fps=fps)


def _encode(clip: Path, scale: int, precision: str) -> tuple[int, float]:
    """Frames and seconds of one encode."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vs_espcn", "upscale", str(clip), f"{folder}/output.mkv"]
        command += ["--scale", str(scale), "--precision", precision]
        command += ["--", "-c:v", "libx264", "-preset", "veryfast"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    frames = re.search(r"(\d+) frames in ", done.stderr)
    if done.returncode or not frames:
        raise BackendError(f"the encode failed: {done.stderr.strip()}")
    return int(frames[1]), seconds
