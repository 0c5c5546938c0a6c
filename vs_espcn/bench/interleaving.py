"""Measure in interleaved rounds, so that a drifting clock slows all contestants alike."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import vapoursynth as vs

Runner = Callable[[int], None]
"""Computes a number of frames."""


@dataclass(frozen=True)
class ContestantKey:
    """What distinguishes a contestant from the others.

    Attributes:
        name: What runs.
        network: Name of its network; empty if it has none.
        precision: Precision of its network; empty if it has none.
    """

    name: str
    network: str = ""
    precision: str = ""


@dataclass(frozen=True)
class Contestant:
    """A key, and a function that computes frames."""

    key: ContestantKey
    run: Runner


PATIENCE = 4.0


def measure(contestants: Sequence[Contestant], *, frames: int, repeats: int) -> list[list[float]]:
    """Run the contestants in turn, round after round.

    Args:
        contestants: The contestants. Each computes a few frames first, which
            don't count.
        frames: Frames per contestant and round. Those that take more than
            `PATIENCE` times as long as the middle one get fewer, at least one.
        repeats: Rounds.

    Returns:
        The frame rates of each contestant, in the order of the rounds.
    """
    shares = _shares([_warm_up(contestant.run) for contestant in contestants], frames)
    rates: list[list[float]] = [[] for _ in contestants]
    for _ in range(repeats):
        for contestant, share, of_contestant in zip(contestants, shares, rates, strict=True):
            start = time.perf_counter()
            contestant.run(share)
            of_contestant.append(share / (time.perf_counter() - start))
    return rates


_WARM_UP = 4


def _warm_up(run: Runner) -> float:
    """Warm up and return the rough time per frame, in seconds. Slow contestants need only one frame."""
    seconds = _time(run)
    if seconds > 1:
        return seconds
    run(_WARM_UP)
    return _time(run)


def _time(run: Runner) -> float:
    start = time.perf_counter()
    run(1)
    return time.perf_counter() - start


def _shares(seconds: Sequence[float], frames: int) -> list[int]:
    patience = PATIENCE * sorted(seconds)[len(seconds) // 2]
    return [frames if each <= patience else max(1, round(frames * patience / each)) for each in seconds]


def grey_clip(
    width: int, height: int, samples: vs.PresetVideoFormat = vs.YUV420P8, frames: int = 1 << 20
) -> vs.VideoNode:
    """Make a clip that takes no time: the same flat frame throughout."""
    return vs.core.std.BlankClip(
        width=width, height=height, format=samples, length=frames, color=[120, 110, 140], keep=True
    )


def to_null(clip: vs.VideoNode) -> Runner:
    """Return a function that requests the clip's next frames and discards them."""
    position = 0

    def run(frames: int) -> None:
        nonlocal position
        _exhaust(clip[position : position + frames].frames(close=True))
        position += frames

    return run


def _exhaust(frames: Iterable[vs.VideoFrame]) -> None:
    for _ in frames:
        pass
