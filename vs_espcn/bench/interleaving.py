"""Interleaved rounds, so that a machine whose speed drifts slows all contestants alike."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import vapoursynth as vs

Runner = Callable[[int], None]
"""Computes a number of frames."""


@dataclass(frozen=True)
class ContestantKey:
    """What tells a contestant from the others.

    Attributes:
        name: What runs.
        network: Name of its network; empty if it has none.
        precision: Arithmetic of its network; empty if it has none.
    """

    name: str
    network: str = ""
    precision: str = ""


@dataclass(frozen=True)
class Contestant:
    """What is measured: a key, and what computes frames."""

    key: ContestantKey
    run: Runner


PATIENCE = 4.0


def measure(contestants: Sequence[Contestant], *, frames: int, repeats: int) -> list[list[float]]:
    """Let the contestants run in turn, round after round.

    Args:
        contestants: What is measured. Each computes a few frames first, which
            do not count.
        frames: Frames per contestant and round. Those that take more than
            `PATIENCE` times as long as the middle one get fewer, at least one.
        repeats: Rounds.

    Returns:
        The frame rates of each contestant, a round's at the same place in all.
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
    """Seconds per frame, roughly; those that take long need no more warming than that."""
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


def to_null(clip: vs.VideoNode) -> Runner:
    """Ask for frames that were not asked for before, and throw them away."""
    position = 0

    def run(frames: int) -> None:
        nonlocal position
        _exhaust(clip[position : position + frames].frames(close=True))
        position += frames

    return run


def _exhaust(frames: Iterable[vs.VideoFrame]) -> None:
    for _ in frames:
        pass
