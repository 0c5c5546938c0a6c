"""Part of a source: a range of its frames, and of its other streams the same time."""

import math
import re
from dataclasses import replace
from fractions import Fraction

from vs_espcn.encoding.source import ClipSource
from vs_espcn.errors import InputError

_TIME = re.compile(r"(?:(?:([0-9]{1,9}):)?([0-9]{1,9}):)?([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")


def parse_time(text: str) -> Fraction:
    """Read a time as ffmpeg writes it: seconds, ``MM:SS`` or ``HH:MM:SS``, with decimals.

    Raises:
        InputError: The text is something else.
    """
    found = _TIME.fullmatch(text)
    if not found:
        raise InputError(f"time {text[:40]!r} is not understood; write it as 90, 1:30, 0:01:30 or 90.5")
    return 3600 * int(found[1] or 0) + 60 * int(found[2] or 0) + Fraction(found[3])


def frames_between(
    source: ClipSource, start: Fraction | None, end: Fraction | None, frames: int | None
) -> range:
    """The frames that are shown from one time up to another.

    Args:
        source: The source.
        start: The first frame is the first that is shown at this time or later,
            in seconds from the video's first frame on; None for the first.
        end: The last is the last that is shown before this time; None for the last.
        frames: How many at most.

    Raises:
        InputError: There is no frame in between, or `frames` is no positive number.
    """
    if frames is not None and frames < 1:
        raise InputError(f"frames is {frames}; give 1 or more")
    count = source.clip.num_frames
    first = 0 if start is None else _frame_at(source, start)
    last = count if end is None else min(_frame_at(source, end), count)
    if frames is not None:
        last = min(last, first + frames)
    if first >= last:
        length, until = float(time_of(source, count)), "the end" if end is None else f"{float(end):g} s"
        raise InputError(
            f"there is no frame from {float(start or 0):g} s to {until}; "
            f"the video has {count} frames in {length:.3f} s"
        )
    return range(first, last)


def trim(source: ClipSource, frames: range) -> ClipSource:
    """The source with nothing but some of its frames, and the other streams in their time.

    Args:
        source: The source.
        frames: Consecutive frames of it, at least one.

    Raises:
        InputError: The times of the other streams are not known.
    """
    whole = source.clip.num_frames
    if frames == range(whole):
        return source
    if source.restarts and source.others:
        raise InputError(
            f"INPUT {str(source.path)!r} starts its clock anew in mid-film, so that no part of its sound can "
            "be cut out; leave out --start, --end and --frames, or take the picture alone into a file first "
            "(ffmpeg -i INPUT -an -c copy FILM.mkv)"
        )
    zero = source.start if source.start is not None else source.known.start or Fraction(0)
    begin, end = (zero + time_of(source, number) for number in (frames.start, frames.stop))
    return replace(
        source,
        clip=source.clip[frames.start : frames.stop],
        start=begin,
        times=source.times[frames.start : frames.stop] if source.times else None,
        ends=end if source.times else None,
        begin=begin if frames.start else None,
        end=end if frames.stop < whole else None,
        skipped=begin - zero,
    )


def _frame_at(source: ClipSource, time: Fraction) -> int:
    """The first frame that is shown `time` after the first, or later."""
    if source.times is None:
        return math.ceil(time * Fraction(source.clip.fps))
    later = (number for number, shown in enumerate(source.times) if shown - source.times[0] >= time)
    return next(later, len(source.times))


def time_of(source: ClipSource, number: int) -> Fraction:
    """When a frame is shown, from the first on; for the number after the last, when that one ends."""
    if source.times is None:
        return number / Fraction(source.clip.fps)
    if number < len(source.times):
        return source.times[number] - source.times[0]
    assert source.ends is not None
    return source.ends - source.times[0]
