"""Measure whole encodes from file to file with x264 veryfast, each in its own process.

python3 scripts/dev/bench_encode.py docs/performance.json natural_540p_flower.mp4

Runs, at the smallest scale in the file, the file's first network at every precision and the others at their
fastest precision; writes ``encodes`` into the file.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import bench_figures
from bench_figures import Figures, FilterSettings

from vs_espcn.bench.cpu import FILTER


@dataclass(frozen=True, kw_only=True)
class Encode:
    """Frames per second of ``vs-espcn upscale``, including start and encoder; median of the rounds."""

    network: str
    scale: int
    precision: str
    frames: int
    fps: float


def to_encode(figures: Figures) -> list[FilterSettings]:
    """Choose the settings to encode with, from the rows of the filter."""
    ours = [row for row in figures["results"] if row["name"] == FILTER]
    least = [row for row in ours if row["scale"] == min(each["scale"] for each in ours)]
    fastest = {row["network"]: row["precision"] for row in sorted(least, key=lambda row: row["fps"])}
    first = least[0]["network"]
    return [
        bench_figures.settings(row)
        for row in least
        if row["network"] == first or row["precision"] == fastest[row["network"]]
    ]


def encodes(clip: Path, settings: Sequence[FilterSettings], *, repeats: int) -> Iterator[Encode]:
    """Encode a clip with each of the settings, in interleaved rounds."""
    rounds = [[encode(clip, each) for each in settings] for _ in range(repeats)]
    for each, of_each in zip(settings, zip(*rounds, strict=True), strict=True):
        fps = median(frames / seconds for frames, seconds in of_each)
        yield Encode(**asdict(each), frames=of_each[0][0], fps=fps)


def encode(clip: Path, settings: FilterSettings) -> tuple[int, float]:
    """Encode once into a temporary file, and return frames and seconds."""
    options = [word for name, value in asdict(settings).items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vs_espcn", "upscale", str(clip), f"{folder}/output.mkv", *options]
        command += ["--", "-c:v", "libx264", "-preset", "veryfast"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    frames = re.search(r"(\d+) frames in ", done.stderr)
    if done.returncode or not frames:
        sys.exit(f"the encode failed: {done.stderr.strip()}")
    return int(frames[1]), seconds


def main() -> None:
    """Add the rows to the file."""
    parser = bench_figures.parser(__doc__)
    parser.add_argument("clip", type=Path, help="video file to encode")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    given = parser.parse_args()
    settings = to_encode(bench_figures.read(given.figures))
    bench_figures.add(given.figures, "encodes", list(encodes(given.clip, settings, repeats=given.repeats)))


if __name__ == "__main__":
    main()
