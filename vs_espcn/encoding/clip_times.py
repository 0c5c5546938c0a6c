"""When the frames of a file are shown: at a constant rate, or each at a time of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.file_clock import continued_times, last_duration
from vs_espcn.encoding.frame_times import Times, is_near_grid, jumps, on_grid, restarts, rising, usual_step


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
        reads_picture: Whether ffmpeg reads the picture beside the sound for that.
        restarts: Whether the clock starts anew in mid-film, and ffmpeg leaves it so.
    """

    fps: Fraction
    start: Fraction | None = None
    times: tuple[Fraction, ...] | None = None
    ends: Fraction | None = None
    is_continued: bool = False
    reads_picture: bool = False
    restarts: bool = False


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """When frames are shown, as a file says.

    Attributes:
        unit: Seconds of a tick.
        numbers: The time of each frame in ticks; None where the file says none.
    """

    unit: Fraction
    numbers: Sequence[int | None]

    @property
    def are_unknown(self) -> bool:
        """True if no frame has a time."""
        return all(number is None for number in self.numbers)


def clip_times(ffmpeg: Ffmpeg, path: Path, track: int, fps: Fraction, ticks: Ticks) -> ClipTimes:
    """Make out when frames are shown.

    Args:
        ffmpeg: The ffmpeg that is going to read the file.
        path: The file.
        track: Index of its video track.
        fps: Its rate, as far as the file says or BestSource guesses.
        ticks: What the file says.
    """
    unit = ticks.unit
    known = [None if tick is None else tick * unit for tick in ticks.numbers]
    if ticks.are_unknown:
        return ClipTimes(fps=fps)
    step = usual_step(known) or 1 / fps
    continued = continued_times(ffmpeg, path, track, known) if jumps(known) else None
    times = rising(continued.times if continued else known, step, is_in_step=continued is not None)
    rate, grid = _constant_rate(times, known, fps, 1 / step, is_continued=continued is not None)
    found = ClipTimes(
        fps=rate,
        start=grid,
        is_continued=continued is not None,
        reads_picture=continued is not None and continued.reads_picture,
        restarts=continued is None and restarts(known, step),
    )
    if grid is not None:
        return found
    last = None if continued else last_duration(ffmpeg, path, track, times, unit)
    ends = times[-1] + (last or (step if continued else 1 / fps))
    return replace(found, start=times[0], times=tuple(times), ends=ends)


def _constant_rate(
    times: Sequence[Fraction], known: Times, fps: Fraction, measured: Fraction, *, is_continued: bool
) -> tuple[Fraction, Fraction | None]:
    """The rate of times, and where its grid begins; None if they are of a variable one.

    Where the file's own times don't serve, its rate may not either. Where its
    clock jumps, a frame's time may be off by a frame, as ffmpeg allows it.
    """
    if is_continued:
        return measured, times[0] if is_near_grid(times, measured) else None
    if (start := on_grid(times, fps)) is not None or times == known:
        return fps, start
    return measured, on_grid(times, measured)
