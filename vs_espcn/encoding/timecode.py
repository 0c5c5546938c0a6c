"""SMPTE timecode: the number that an editor's tape counter shows for a frame."""

import re
from fractions import Fraction


def advanced(timecode: str, frames: int, rate: Fraction) -> str:
    """The timecode some frames later.

    Args:
        timecode: ``HH:MM:SS:FF``; a ``;`` or ``.`` before the frames means that it leaves out numbers
            to keep step with the clock at 30000/1001 and 60000/1001 frames per second.
        frames: How many, 0 or more.
        rate: Frames per second.
    """
    hours, minutes, seconds, frame = map(int, re.split(r"[:;.]", timecode))
    per_second = max(round(rate), 1)
    separator = timecode[8]
    dropped = 0 if separator == ":" else per_second // 15
    elapsed = 60 * hours + minutes
    number = (60 * elapsed + seconds) * per_second + frame - dropped * (elapsed - elapsed // 10) + frames
    if dropped:
        number += dropped * _minutes_that_drop(number, per_second, dropped)
    count, frame = divmod(number, per_second)
    return f"{count // 3600 % 24:02d}:{count // 60 % 60:02d}:{count % 60:02d}{separator}{frame:02d}"


def _minutes_that_drop(number: int, per_second: int, dropped: int) -> int:
    """How many minutes up to a frame began with numbers left out: all but every tenth."""
    minute = 60 * per_second - dropped
    tens, rest = divmod(number, 10 * minute + dropped)
    return 9 * tens + max(rest - dropped, 0) // minute
