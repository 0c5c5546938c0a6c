"""How ffmpeg reads a file's clock.

MPEG transport and program streams and Ogg may start their clock anew in
mid-film: where files were joined, where a recording was interrupted, or every
26.5 hours. ffmpeg then makes the clock go on, the same for all streams, unless
it is told to copy timestamps. Its own account of each packet says how.
"""

import re
import subprocess
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.frame_times import Times

_OFFSET = 1
"""Seconds by which the file is moved while its clock is read."""

_PACKET = (
    rb"demuxer(\+ffmpeg)? -> ist_index:(?:0:)?%d type:video "
    rb".*?pkt_pts:(-?\d+|NOPTS) .*?pkt_dts:(-?\d+|NOPTS) "
)
"""Lines of ffmpeg for each packet of a stream: as the file has it, and as ffmpeg goes on with it."""


def continued_times(
    ffmpeg: Ffmpeg, path: Path, track: int, times: Times, unit: Fraction, start: Fraction
) -> list[Fraction | None] | None:
    """When ffmpeg shows the frames of a file whose clock jumps.

    Args:
        ffmpeg: The ffmpeg that is going to read the file.
        path: The file.
        track: Index of its video track.
        times: When each frame is shown, as the file says.
        unit: Seconds of a tick of that track.
        start: When the file's first stream starts, in seconds.

    Returns:
        The same on a clock that goes on, which begins as the file's; None if
        ffmpeg takes the file's times as they are.
    """
    packets = _packets(ffmpeg, path, track, round((_OFFSET - start) / unit))
    if len({packet.shift for packet in packets}) < 2:
        return None
    where: dict[int, list[int]] = defaultdict(list)
    for number, packet in enumerate(packets):
        where[packet.time].append(number)
    shown: list[Fraction | None] = []
    place = 0
    for time in times:
        found = where.get(round(time / unit), []) if time is not None else []
        if time is None or not found:
            shown.append(None)
            continue
        place = _nearest(found, place + 1)
        shown.append(time + packets[place].shift * unit)
    return shown


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


@dataclass(frozen=True)
class _Packet:
    """When a packet is shown, and what ffmpeg adds to that, in ticks."""

    time: int
    shift: int


def _nearest(numbers: Sequence[int], number: int) -> int:
    """The one of ascending numbers that is nearest to a number."""
    at = bisect_left(numbers, number)
    return min(numbers[max(at - 1, 0) : at + 1], key=lambda each: abs(each - number))


def _packets(ffmpeg: Ffmpeg, path: Path, track: int, added: int) -> list[_Packet]:
    """The video's packets that have a time; `added` is what ffmpeg adds to the first.

    Sound is read with it, as its clock counts too; in files whose sound ffmpeg
    cannot copy, the video alone.
    """
    pattern = re.compile(_PACKET % track)
    for sound in (("-map", "0:a?"), ()):
        # Without an offset ffmpeg may take the streams' first time for the file's.
        command = [ffmpeg.path, "-hide_banner", "-nostdin", "-debug_ts", "-itsoffset", str(_OFFSET)]
        command += ["-i", f"file:{path}", "-map", f"0:{track}", *sound, "-c", "copy", "-f", "null", "-"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        rows = [found.groups() for found in pattern.finditer(done.stderr)]
        before = [_ticks(pts, dts) for after, pts, dts in rows if not after]
        after = [_ticks(pts, dts) for after, pts, dts in rows if after]
        if before and len(before) == len(after):
            pairs = zip(before, after, strict=True)
            return [
                _Packet(raw, shown - raw - added)
                for raw, shown in pairs
                if raw is not None and shown is not None
            ]
    return []


def _ticks(pts: bytes, dts: bytes) -> int | None:
    found = dts if pts == b"NOPTS" else pts
    return None if found == b"NOPTS" else int(found)
