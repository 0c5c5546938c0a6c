"""Whole encodes: a file in, x264 veryfast, a file out, in processes of their own."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from vs_espcn.bench.cpu import FilterSettings
from vs_espcn.errors import BackendError, InputError


@dataclass(frozen=True, kw_only=True)
class Encode:
    """Frames per second of ``vs-espcn upscale``, its start and its encoder included; median of the rounds."""

    network: str
    scale: int
    precision: str
    frames: int
    fps: float


def encodes(clip: Path, ways: Sequence[FilterSettings], *, repeats: int) -> Iterator[Encode]:
    """Encode a clip in several ways, in interleaved rounds.

    Args:
        clip: A video file.
        ways: How the filter runs.
        repeats: Rounds.

    Raises:
        BackendError: An encode failed.
    """
    rounds = [[_encode(clip, way) for way in ways] for _ in range(repeats)]
    for way, of_way in zip(ways, zip(*rounds, strict=True), strict=True):
        fps = median(frames / seconds for frames, seconds in of_way)
        yield Encode(**asdict(way), frames=of_way[0][0], fps=fps)


def check_encodes(clip: Path) -> None:
    """Refuse, before anything is measured, a file that cannot be encoded.

    Raises:
        InputError: ``vs-espcn upscale`` refuses it.
    """
    done = _upscale(clip, "--frames", "1")
    if done.returncode:
        reason = done.stderr.rpartition("vs-espcn: error: ")[2].strip()
        raise InputError(f"--encode {str(clip)!r} cannot be encoded: {reason}")


def _encode(clip: Path, way: FilterSettings) -> tuple[int, float]:
    """Frames and seconds of one encode."""
    options = ("--network", way.network, "--scale", str(way.scale), "--precision", way.precision)
    start = time.perf_counter()
    done = _upscale(clip, *options, "--", "-c:v", "libx264", "-preset", "veryfast")
    seconds = time.perf_counter() - start
    frames = re.search(r"(\d+) frames in ", done.stderr)
    if done.returncode or not frames:
        raise BackendError(f"the encode failed: {done.stderr.strip()}")
    return int(frames[1]), seconds


def _upscale(clip: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``vs-espcn upscale``; what it writes is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vs_espcn", "upscale", str(clip), f"{folder}/output.mkv", *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)
