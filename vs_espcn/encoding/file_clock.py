"""How ffmpeg reads a file's clock.

MPEG transport and program streams and Ogg may start their clock anew in
mid-film: where files were joined, where a recording was interrupted, or every
26.5 hours. ffmpeg then makes the clock go on, unless it is told to copy
timestamps. Its own account of each packet says how.

It does so by the streams that it reads. Picture and sound may each move the clock
at the same joint, by which they get out of step. Sound that is read alone moves it
once, and goes on without a gap; the picture follows.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.frame_times import LONGEST_STEP, Times

_STEP_BACK = Fraction(1, 10)
"""Seconds that a time may go back before ffmpeg takes the clock to have jumped."""

_APART = 3
"""Seconds that picture and sound may be apart where a clock starts anew."""

_PACKET = re.compile(
    rb"demuxer(\+ffmpeg)? -> ist_index:(?:0:)?(\d+) type:audio "
    rb".*?pkt_pts:(-?\d+|NOPTS) .*?pkt_dts:(-?\d+|NOPTS) "
)
"""Lines of ffmpeg for each packet of a sound: as the file has it, and as ffmpeg goes on with it."""


@dataclass(frozen=True)
class _Piece:
    """Where a sound's clock runs: its first time, and what ffmpeg adds to the times, in seconds."""

    begin: Fraction
    shift: Fraction


@dataclass(frozen=True)
class ContinuedTimes:
    """When frames are shown on a clock that goes on, which begins as the file's.

    Attributes:
        times: In seconds; None where the file says nothing.
        reads_picture: Whether ffmpeg reads the picture beside the sound for it.
    """

    times: list[Fraction | None]
    reads_picture: bool


def continued_times(ffmpeg: Ffmpeg, path: Path, track: int, times: Times) -> ContinuedTimes | None:
    """When frames are shown, in step with the sound of a file whose clock jumps.

    Args:
        ffmpeg: The ffmpeg that is going to read the file's sound.
        path: The file.
        track: Index of its video track.
        times: When each frame is shown, as the file says.

    Returns:
        None if there is no sound whose clock jumps where the picture's does.
    """
    found = []
    for picture in (("-map", f"0:{track}"), ()):
        pieces = _pieces(ffmpeg, path, picture)
        if shown := _shifted(times, pieces):
            found.append((pieces[-1].shift, ContinuedTimes(shown, reads_picture=bool(picture))))
    # The one that leaves the smaller gaps.
    return min(found, key=lambda each: each[0])[1] if found else None


def _shifted(times: Times, pieces: Sequence[_Piece]) -> list[Fraction | None] | None:
    """The times as each piece moves them; None if they jump elsewhere than the pieces begin."""
    shown: list[Fraction | None] = []
    place, before = 0, None
    for time in times:
        if time is None:
            shown.append(None)
            continue
        if before is not None and not -_STEP_BACK <= time - before <= LONGEST_STEP:
            later = place + 1
            place += later < len(pieces) and abs(time - pieces[later].begin) < _APART
        before = time
        shown.append(time + pieces[place].shift if pieces else None)
    return shown if 0 < place == len(pieces) - 1 else None


def _pieces(ffmpeg: Ffmpeg, path: Path, picture: Sequence[str]) -> list[_Piece]:
    """Where the clock of the first sound runs, when all sound is read, and what `picture` maps."""
    # Without an offset ffmpeg may take the streams' first time for the file's.
    command = [ffmpeg.path, "-hide_banner", "-nostdin", "-debug_ts", "-itsoffset", "1", "-i", f"file:{path}"]
    command += ["-map", "0:a", *picture, "-c", "copy", "-f", "framecrc", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    unit = re.search(rb"^#tb 0: (\d+)/(\d+)", done.stdout, re.MULTILINE)
    rows = [found.groups() for found in _PACKET.finditer(done.stderr)]
    if not unit or not rows:
        return []
    first = min(int(index) for _, index, _, _ in rows)
    before, after = (
        [_ticks(pts, dts) for step, index, pts, dts in rows if int(index) == first and bool(step) == is_after]
        for is_after in (False, True)
    )
    tick = Fraction(int(unit[1]), int(unit[2]))
    pieces: list[_Piece] = []
    start = shift = None
    if len(before) != len(after):  # a packet was dropped, so that others would be paired wrongly
        return []
    for raw, shown in zip(before, after, strict=True):
        if raw is None or shown is None or shown - raw == shift:
            continue
        shift = shown - raw
        start = shift if start is None else start
        pieces.append(_Piece(raw * tick, (shift - start) * tick))
    return pieces


def _ticks(pts: bytes, dts: bytes) -> int | None:
    found = dts if pts == b"NOPTS" else pts
    return None if found == b"NOPTS" else int(found)


def last_duration(
    ffmpeg: Ffmpeg, path: Path, track: int, times: Sequence[Fraction], unit: Fraction
) -> Fraction | None:
    """How long a file says that its last frame is shown, in seconds; None if it doesn't say.

    Args:
        ffmpeg: The ffmpeg that reads the file.
        path: The file.
        track: Index of its video track.
        times: When each frame is shown.
        unit: Seconds of a tick of that track.
    """
    command = [ffmpeg.path, "-hide_banner", "-nostdin", "-loglevel", "error", "-copyts"]
    command += ["-ss", f"{float(times[-1] - times[0]):.6f}", "-noaccurate_seek", "-i", f"file:{path}"]
    command += ["-map", f"0:{track}", "-c", "copy", "-f", "framecrc", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    rows = (row.split(b",") for row in done.stdout.splitlines() if not row.startswith(b"#"))
    last = round(times[-1] / unit)
    found = [int(duration) for _, _, pts, duration, *_ in rows if int(pts) == last]
    return found[-1] * unit if found and found[-1] > 0 else None
