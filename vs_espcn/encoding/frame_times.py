"""When frames are shown: from what a file says, to times that strictly rise.

A file may say nothing of some frames, name a time twice or go back in time.
No container and no player takes that, so impossible times are interpolated,
and a clock that starts anew goes on.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

LONGEST_STEP = 10
"""Seconds between two frames that ffmpeg still believes; beyond, it takes the clock to have jumped."""

_AHEAD = 4
"""Frames that are looked at to tell a stray time from a clock that starts anew."""

_LEAST_STEP = Fraction(1, 1000)
"""Seconds between frames that were too near: a tick of Matroska's clock."""

_ROUNDING = Fraction(3, 2000)
"""Seconds that times on one grid may be apart when they are rounded to milliseconds, as in Matroska."""

_RATE_TOLERANCE = Fraction(1, 5000)
"""Share by which a rate that was measured may differ from a usual one."""

_NEAR_GRID = Fraction(9, 10)
"""Frames that a time may be off a constant rate where a clock jumped."""

Times = Sequence[Fraction | None]
"""A time in seconds for each frame; None where the file says none."""


def jumps(times: Times) -> bool:
    """Whether the clock goes back, stands still, or leaps ahead by more than `LONGEST_STEP`."""
    known = [time for time in times if time is not None]
    return any(not 0 < later - earlier <= LONGEST_STEP for earlier, later in pairwise(known))


def usual_step(times: Times) -> Fraction | None:
    """Seconds from frame to frame where the clock runs; None if no two neighbours have times.

    The mean of the steps near the median, at a usual frame rate if it is close to one.
    """
    steps = [b - a for a, b in pairwise(times) if a is not None and b is not None and b > a]
    if not steps:
        return None
    middle = median_low(steps)
    near = [step for step in steps if abs(step - middle) <= middle / 4]
    mean = sum(near, Fraction(0)) / len(near)
    usual = (Fraction(round(1 / mean)), Fraction(round(1001 / mean / 1000) * 1000, 1001))
    for rate in usual:
        if rate and abs(mean * rate - 1) <= _RATE_TOLERANCE:
            return 1 / rate
    return mean


def rising(times: Times, step: Fraction, *, is_in_step: bool = False) -> list[Fraction]:
    """A time for each frame, each later than the one before.

    Args:
        times: What the file says; at least one time is known.
        step: Seconds from frame to frame where nothing else is known.
        is_in_step: Whether other streams follow the same clock, however far it
            goes back; else a clock that goes back and stays there goes on a
            step after its last time.
    """
    least = min(_LEAST_STEP, step / 8)
    return _filled(_continued(_without_strays(times, least, is_in_step=is_in_step), step, least), step)


def restarts(times: Times, step: Fraction) -> bool:
    """Whether the clock goes back and stays there, as where files were joined."""
    least = min(_LEAST_STEP, step / 8)
    kept = _without_strays(times, least, is_in_step=False)
    return _continued(kept, step, least) != kept


def on_grid(times: Sequence[Fraction], fps: Fraction) -> Fraction | None:
    """Where the grid of a constant rate begins, in seconds; None if the times don't follow one.

    Times may be rounded as containers do it. Only the first may be off, by up
    to three quarters of a frame: some muxers delay all others by the encoder's
    priming.
    """
    starts = [time - number / fps for number, time in enumerate(times)]
    start = median_low(starts)
    is_constant = all(abs(other - start) <= _ROUNDING for other in starts[1:])
    return start if is_constant and abs(starts[0] - start) * fps <= Fraction(3, 4) else None


def is_near_grid(times: Sequence[Fraction], fps: Fraction) -> bool:
    """Whether no time is about a frame off the constant rate that begins with the first."""
    return all(abs(time - times[0] - number / fps) * fps <= _NEAR_GRID for number, time in enumerate(times))


def _without_strays(times: Times, least: Fraction, *, is_in_step: bool) -> list[Fraction | None]:
    """The times without those that single frames have out of order."""
    kept = list(times)
    latest = _latest_ahead(times) if is_in_step else []
    previous, since = None, 1
    for number, time in enumerate(times):
        if time is None:
            since += 1
            continue
        ahead = [each for each in times[number + 1 : number + 1 + _AHEAD] if each is not None]
        if previous is None:
            is_stray = False
        elif time - previous < least * since:
            is_stray = latest[number] > previous if is_in_step else any(each > previous for each in ahead)
        else:
            is_stray = sum(previous < each <= time for each in ahead) * 2 > _AHEAD
        if is_stray:
            kept[number] = None
            since += 1
        else:
            previous, since = time, 1
    return kept


def _latest_ahead(times: Times) -> list[Fraction]:
    """For each frame the latest time that it or a later one has."""
    latest: list[Fraction] = []
    for time in reversed(times):
        known = [each for each in (time, latest[-1] if latest else None) if each is not None]
        latest.append(max(known, default=Fraction(-1 << 62)))
    return latest[::-1]


def _continued(times: Times, step: Fraction, least: Fraction) -> list[Fraction | None]:
    """The times of one clock: where it starts anew, it goes on a step after the last time."""
    shifted: list[Fraction | None] = []
    previous, since, shift = None, 1, Fraction(0)
    for time in times:
        if time is None:
            shifted.append(None)
            since += 1
            continue
        if previous is not None and time + shift - previous < least * since:
            shift = previous + step * since - time
        previous, since = time + shift, 1
        shifted.append(previous)
    return shifted


def _filled(times: Times, step: Fraction) -> list[Fraction]:
    """Times for the frames without: evenly between their neighbours', at the ends a step apart."""
    known = [(number, time) for number, time in enumerate(times) if time is not None]
    (first, begin), (last, end) = known[0], known[-1]
    filled = [begin - step * (first - number) for number in range(first)]
    for (here, now), (there, later) in pairwise(known):
        filled += [now + (later - now) * (number - here) / (there - here) for number in range(here, there)]
    return filled + [end + step * (number - last) for number in range(last, len(times))]
