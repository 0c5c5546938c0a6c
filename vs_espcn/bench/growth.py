"""How the filter's speed grows with processor cores and with the size of a frame."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from vs_espcn.bench.cpu import FILTER, FilterSettings, UpscaleCase, measure_filter
from vs_espcn.errors import BackendError

SIZES = ((480, 270), (960, 540), (1280, 720), (1920, 1080), (3840, 2160))
"""Widths and heights of the output."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One point: the whole filter's speed at a size on some cores.

    Attributes:
        network: The network.
        scale: Its scale.
        precision: Its arithmetic.
        size: Of the output.
        cores: How many there were.
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


def by_size(way: FilterSettings, *, frames: int, repeats: int) -> Iterator[Growth]:
    """All of `SIZES` on all cores; the smaller a frame, the more of them.

    Args:
        way: How the filter runs.
        frames: Frames of 1920×1080 per round.
        repeats: Rounds.
    """
    for width, height in SIZES:
        share = max(1, round(frames * 1920 * 1080 / (width * height)))
        yield _point(UpscaleCase(scale=way.scale, width=width, height=height), way, share, repeats)


def by_cores(way: FilterSettings, *, frames: int, repeats: int) -> Iterator[Growth]:
    """1920×1080 on 1, 2, 4 … cores and on all of them, each in a process of its own.

    Args:
        way: How the filter runs.
        frames: Frames per round.
        repeats: Rounds.

    Raises:
        BackendError: A process failed.
    """
    present = sorted(os.sched_getaffinity(0))
    counts = sorted({*(1 << power for power in range(len(present).bit_length())), len(present)})
    arguments: list[object] = ["--network", way.network, "--scale", way.scale, "--precision", way.precision]
    arguments += ["--frames", frames, "--repeats", repeats]
    for count in counts:
        if count <= len(present):
            yield from _on_cores(present[:count], [str(argument) for argument in arguments])


def _on_cores(cores: Sequence[int], arguments: Sequence[str]) -> Iterator[Growth]:
    command = [sys.executable, "-m", "vs_espcn", "bench", *arguments, "--no-peers"]
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # a child has it from its first instruction on
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.sched_setaffinity(0, all_cores)
    if done.returncode:
        raise BackendError(f"the benchmark on {len(cores)} cores failed: {done.stderr.strip()}")
    for row in json.loads(done.stdout.splitlines()[-1])["results"]:
        if row["name"] == FILTER:
            way = FilterSettings(network=row["network"], scale=row["scale"], precision=row["precision"])
            yield _growth(way, row["size"], len(cores), row["fps"])


def _point(case: UpscaleCase, way: FilterSettings, frames: int, repeats: int) -> Growth:
    results, missing = measure_filter(
        case, [way.network], [way.precision], frames=frames, repeats=repeats, with_peers=False
    )
    for each in results:
        if each.name == FILTER:
            return _growth(way, each.size, len(os.sched_getaffinity(0)), each.fps)
    raise BackendError("; ".join(missing))


def _growth(way: FilterSettings, size: str, cores: int, fps: float) -> Growth:
    width, height = map(int, size.split("x"))
    return Growth(**asdict(way), size=size, cores=cores, fps=fps, ns_per_pixel=1e9 / (fps * width * height))
