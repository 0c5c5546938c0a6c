"""When the frames of a file are shown: at a constant rate, or each at a time of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.file_clock import continued_times, last_duration
from vs_espcn.encoding.frame_times import is_near_grid, jumps, on_grid, rising, usual_step


@dataclass(frozen=True, kw_only=True)
class ClipTimes:
    """When the frames of a file are shown, in seconds on the file's clock.

    Attributes:
        fps: The constant rate, or the average.
        start: When the first frame is shown; None if the file has no timestamps.
        times: When each frame is shown, if the rate is variable.
        ends: When the last frame ends, if the rate is variable.
        is_continued: Whether the file's clock jumps, and the times are those
            of a clock that goes on as ffmpeg's does.
    """

    fps: Fraction
    start: Fraction | None = None
    times: tuple[Fraction, ...] | None = None
    ends: Fraction | None = None
    is_continued: bool = False


def clip_times(
    path: Path, track: int, fps: Fraction, unit: Fraction, ticks: Sequence[int | None]
) -> ClipTimes:
    """Make out when frames are shown.

    Args:
        path: The file.
        track: Index of its video track.
        fps: Its rate, as far as the file says or BestSource guesses.
        unit: Seconds of a tick.
        ticks: The time of each frame; None where the file says none.

    Raises:
        EncodeError: The file's clock jumps, and there is no ffmpeg to say how it goes on.
    """
    known = [None if tick is None else tick * unit for tick in ticks]
    if jumps(known):
        return _of_broken_clock(path, track, unit, known)
    if all(time is None for time in known):
        return ClipTimes(fps=fps)
    times = rising(known, usual_step(known) or 1 / fps)
    if (start := on_grid(times, fps)) is not None:
        return ClipTimes(fps=fps, start=start)
    last = last_duration(find_ffmpeg(), path, track, unit, times) or 1 / fps
    return ClipTimes(fps=fps, start=times[0], times=tuple(times), ends=times[-1] + last)


def _of_broken_clock(
    path: Path, track: int, unit: Fraction, known: Sequence[Fraction | None]
) -> ClipTimes:
    """Times that rise, of frames whose own do not.

    They count as of a constant rate if none is more than a frame off, as ffmpeg does it.
    """
    step = usual_step(known) or 1 / Fraction(25)
    continued = continued_times(find_ffmpeg(), path, track, unit, known)
    times = rising(continued or known, step, is_in_step=continued is not None)
    is_constant = is_near_grid(times, 1 / step)
    return ClipTimes(
        fps=1 / step,
        start=times[0],
        times=None if is_constant else tuple(times),
        ends=None if is_constant else times[-1] + step,
        is_continued=continued is not None,
    )
