"""Measure how the filter's speed grows with processor cores and with the size of a frame.

python3 scripts/dev/bench_growth.py docs/performance.json

Runs the fastest network and precision of each scale in the file, and writes ``growth`` into the file.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import bench_figures
from bench_figures import FilterSettings

from vs_espcn.bench.cpu import FILTER, UpscaleCase, measure_filter

SIZES = ((480, 270), (960, 540), (1280, 720), (1920, 1080), (3840, 2160))
"""Widths and heights of the output."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Speed of the whole filter at one size on some cores.

    Attributes:
        network: The network.
        scale: Its scale.
        precision: Its precision.
        size: Output size, for example ``1920x1080``.
        cores: Processor cores that the filter could use.
        fps: Frames per second, median of the rounds.
        ns_per_pixel: Nanoseconds per pixel of the output.
    """

    network: str
    scale: int
    precision: str
    size: str
    cores: int
    fps: float
    ns_per_pixel: float


def by_size(settings: FilterSettings, *, frames: int, repeats: int) -> Iterator[Growth]:
    """Measure all of `SIZES` on all cores, with more frames of smaller sizes.

    Args:
        settings: Settings of the filter.
        frames: Frames per round at 1920×1080.
        repeats: Rounds.
    """
    for width, height in SIZES:
        share = max(1, round(frames * 1920 * 1080 / (width * height)))
        case = UpscaleCase(scale=settings.scale, width=width, height=height)
        results, missing = measure_filter(
            case, [settings.network], [settings.precision], frames=share, repeats=repeats, with_peers=False
        )
        if missing:
            sys.exit("; ".join(missing))
        cores = len(os.sched_getaffinity(0))
        yield from (growth(settings, each.size, cores, each.fps) for each in results if each.name == FILTER)


def by_cores(settings: FilterSettings, *, frames: int, repeats: int) -> Iterator[Growth]:
    """Measure 1920×1080 on 1, 2, 4 … cores and on all of them, each in its own process.

    Args:
        settings: Settings of the filter.
        frames: Frames per round.
        repeats: Rounds.
    """
    present = sorted(os.sched_getaffinity(0))
    counts = {1 << power for power in range(len(present).bit_length())} | {len(present)}
    options = {**asdict(settings), "frames": frames, "repeats": repeats}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    for count in sorted(count for count in counts if count <= len(present)):
        for row in bench_on_cores(present[:count], arguments):
            yield growth(settings, row["size"], count, row["fps"])


def bench_on_cores(cores: Sequence[int], arguments: Sequence[str]) -> list[dict[str, object]]:
    """Run `vs-espcn bench` on the given cores only, and return the filter's rows."""
    command = [sys.executable, "-m", "vs_espcn", "bench", *arguments, "--no-peers"]
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # a child process inherits it
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.sched_setaffinity(0, all_cores)
    if done.returncode:
        sys.exit(f"the benchmark on {len(cores)} cores failed: {done.stderr.strip()}")
    return [row for row in json.loads(done.stdout.splitlines()[-1])["results"] if row["name"] == FILTER]


def growth(settings: FilterSettings, size: str, cores: int, fps: float) -> Growth:
    """Return a row of the figures."""
    width, height = map(int, size.split("x"))
    ns_per_pixel = 1e9 / (fps * width * height)
    return Growth(**asdict(settings), size=size, cores=cores, fps=fps, ns_per_pixel=ns_per_pixel)


def main() -> None:
    """Add the rows to the file."""
    parser = bench_figures.parser(__doc__)
    parser.add_argument("--frames", type=int, default=20, help="frames of 1920x1080 per round")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    given = parser.parse_args()
    rounds = {"frames": given.frames, "repeats": given.repeats}
    rows = [
        row
        for settings in bench_figures.fastest(bench_figures.read(given.figures))
        for points in (by_size, by_cores)
        for row in points(settings, **rounds)
    ]
    bench_figures.add(given.figures, "growth", rows)


if __name__ == "__main__":
    main()
