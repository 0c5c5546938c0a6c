"""Whether the times in a finished file are those that were meant."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.errors import EncodeError

_TOLERANCE = Fraction(2, 1000)
"""Seconds that a frame may be off: Matroska rounds to milliseconds."""

_LONGEST_STILL = Fraction(1, 4)
"""Seconds of sound that may be squeezed together: what is broken where a recording was cut or joined."""

_ADVICE = "leave out arguments that change times"


@dataclass
class _Packets:
    """Packets of one stream in the file's order, in seconds."""

    decoded: list[Fraction] = field(default_factory=list)
    shown: list[Fraction] = field(default_factory=list)
    durations: list[Fraction] = field(default_factory=list)


def check_times(ffmpeg: Ffmpeg, path: Path, expected: Sequence[Fraction]) -> None:
    """Check when frames and sound are shown in a file.

    Args:
        ffmpeg: The ffmpeg that wrote it.
        path: The file; its first video counts, and all sound.
        expected: When each frame is to be shown, in seconds on any clock.

    Raises:
        EncodeError: Frames are missing, shown at other times or out of order,
            or a sound's clock stands still or goes back.
    """
    video, *sounds = _packets(ffmpeg, path)
    _check_frames(sorted(video.shown), expected)
    _check_rising(video.decoded)
    for number, sound in enumerate(sounds):
        _check_sound(number, sound)


def _check_frames(shown: Sequence[Fraction], expected: Sequence[Fraction]) -> None:
    if len(shown) != len(expected):
        raise EncodeError(f"the file has {len(shown)} of {len(expected)} frames; {_ADVICE}")
    _check_rising(shown)
    for number, (time, meant) in enumerate(zip(shown, expected, strict=True)):
        found, right = time - shown[0], meant - expected[0]
        if abs(found - right) > _TOLERANCE:
            raise EncodeError(
                f"frame {number} would be shown {float(found):.3f} s after the first, "
                f"not {float(right):.3f} s; {_ADVICE}"
            )


def _check_rising(times: Iterable[Fraction]) -> None:
    for number, (before, after) in enumerate(pairwise(times), start=1):
        if after <= before:
            raise EncodeError(
                f"frame {number} would not be later than the one before it, in a container whose clock "
                "ticks too slowly for so many frames a second; choose .mp4 or .mov"
            )


def _check_sound(number: int, sound: _Packets) -> None:
    """Refuse a sound whose clock stands still; some packets may be squeezed in where clocks jumped."""
    still = Fraction(0)
    for packet, (before, after) in enumerate(pairwise(sound.decoded)):
        length = sound.durations[packet]
        is_still = (after - before) * 4 < length or after < before
        still = still + max(length, before - after) if is_still else Fraction(0)
        if still > _LONGEST_STILL:
            raise EncodeError(
                f"the clock of audio track {number} of the source goes back or stands still at "
                f"{float(sound.decoded[packet]):.3f} s, and cannot be kept in step; leave it out with -an"
            )


def _packets(ffmpeg: Ffmpeg, path: Path) -> list[_Packets]:
    """The packets of the first video and of all sound."""
    command = [ffmpeg.path, "-hide_banner", "-nostdin", "-loglevel", "error", "-copyts", "-i", f"file:{path}"]
    command += ["-map", "0:v:0", "-map", "0:a?", "-c", "copy", "-copyinkf", "-f", "framecrc", "-"]
    units: dict[int, Fraction] = {}
    found: dict[int, _Packets] = defaultdict(_Packets)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if unit := re.match(rb"#tb (\d+): (\d+)/(\d+)", line):
                units[int(unit[1])] = Fraction(int(unit[2]), int(unit[3]))
            elif not line.startswith(b"#"):
                index, decoded, shown, duration = (int(part) for part in line.split(b",")[:4])
                found[index].decoded.append(decoded * units[index])
                found[index].shown.append(shown * units[index])
                found[index].durations.append(duration * units[index])
    if process.returncode or 0 not in found:
        raise EncodeError("the finished file cannot be read")
    return [found[index] for index in sorted(found)]
