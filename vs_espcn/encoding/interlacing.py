"""Looking for interlaced frames before a film is encoded, rather than when they are reached.

BestSource's index doesn't hold the flag. Where the coded headers alone say that no frame
has it, only they are read: that takes a hundredth of the time of decoding. Else ffmpeg decodes
the film once, and what was found is kept beside the index.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import IO, Literal

import vapoursynth as vs

from vs_espcn.cache_folder import CACHED_MODE, open_cached
from vs_espcn.encoding.bestsource import index_path
from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.source import ClipSource
from vs_espcn.encoding.trim import time_of
from vs_espcn.errors import EncodeError, InputError
from vs_espcn.file_writing import replace_file
from vs_espcn.logs import console_logger

_PROGRESSIVE = frozenset(
    {"apng", "av1", "cinepak", "flv1", "gif", "h263", "mpeg1video", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3"}
    | {"png", "qtrle", "rv10", "rv20", "rv30", "rv40", "svq1", "svq3", "theora", "vp3", "vp5", "vp6"}
    | {"vp6a", "vp6f", "vp8", "vp9", "webp", "wmv1", "wmv2"}
)
"""Codecs without interlaced frames."""


@dataclass(frozen=True, kw_only=True)
class _Headers:
    """Where a codec's headers tell of interlaced frames.

    Attributes:
        units: ffmpeg's number of the units that hold them.
        present: A field that each of them has.
        flagged: The field, and its value if there may be interlaced frames.
    """

    units: int
    present: str
    flagged: tuple[str, int]


_HEADERS = {
    "h264": _Headers(units=7, present="frame_mbs_only_flag", flagged=("frame_mbs_only_flag", 0)),
    "hevc": _Headers(
        units=33, present="vui_parameters_present_flag", flagged=("frame_field_info_present_flag", 1)
    ),
    "mpeg2video": _Headers(units=181, present="progressive_frame", flagged=("progressive_frame", 0)),
}

_SHOWN_STRETCHES = 5

_SAMPLES = 5
"""Frames looked at, across the film, before all are."""


def is_interlaced(source: ClipSource) -> bool:
    """Whether a frame of a film is marked as two fields."""
    count = source.clip.num_frames
    samples = {round(index * (count - 1) / (_SAMPLES - 1)) for index in range(_SAMPLES)}
    if any(_is_of_fields(source.clip, number) for number in sorted(samples)):
        return True
    return bool(_stretches(source, count))


def check_progressive(source: ClipSource, frames: range) -> None:
    """Refuse a film of which some frames to encode are interlaced, in the command's words.

    Args:
        source: All of the film.
        frames: The frames to encode.

    Raises:
        InputError: There are interlaced frames among them; it says when they are shown.
    """
    name = repr(str(source.path))
    fix = "add --deinterlace field for a picture of each field, or --deinterlace frame for one of each frame"
    if _is_of_fields(source.clip, frames.start):
        raise InputError(f"INPUT {name} is interlaced; {fix}")
    found = [stretch for stretch in _stretches(source, frames.stop) if stretch.stop > frames.start]
    if not found:
        return
    times = [
        f"{_clock(time_of(source, stretch.start))} to {_clock(time_of(source, stretch.stop))}"
        for stretch in found[:_SHOWN_STRETCHES]
    ]
    more = f" and {len(found) - len(times)} more times" if len(found) > len(times) else ""
    raise InputError(f"INPUT {name} has interlaced frames from {', from '.join(times)}{more}; {fix}")


def _is_of_fields(clip: vs.VideoNode, number: int) -> bool:
    with clip.get_frame(number) as frame:
        return bool(frame.props.get("_FieldBased", 0))


def _stretches(source: ClipSource, stop: int) -> list[range]:
    """Runs of interlaced frames before a frame's number."""
    if source.track.codec in _PROGRESSIVE:
        return []
    path = index_path(source.path).with_suffix(f".{source.track.index}.fields")
    known = _stored(path)
    if known is None or known[0] < stop:
        try:
            known = (stop, [] if _headers_say_progressive(source) else _decoded_runs(source, stop))
        except EncodeError as error:
            console_logger.warning("cannot look for interlaced frames before encoding: %s", error)
            return []
        _store(path, known)
    return [range(start, min(end, stop)) for start, end in known[1] if start < stop]


def _headers_say_progressive(source: ClipSource) -> bool:
    """True if the film's headers rule interlaced frames out."""
    if not (headers := _HEADERS.get(source.track.codec)):
        return False
    filters = f"filter_units=pass_types={headers.units},trace_headers"
    field, value = headers.flagged
    present = False
    with _reading(source, "stderr", "-c", "copy", "-bsf:v", filters, "-f", "null", "-") as report:
        for line in report:
            if re.search(rb" %b .*= %d\s*$" % (field.encode(), value), line):
                return False
            present = present or headers.present.encode() in line
    return present


def _decoded_runs(source: ClipSource, stop: int) -> list[tuple[int, int]]:
    """Runs of interlaced frames: the first, and the one after the last."""
    runs: list[tuple[int, int]] = []
    for number, is_interlaced in enumerate(islice(_decoded_flags(source), stop)):
        if is_interlaced and runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        elif is_interlaced:
            runs.append((number, number + 1))
    return runs


def _decoded_flags(source: ClipSource) -> Iterator[bool]:
    """Decode the film and yield for each frame whether it is interlaced."""
    # The flag becomes a time of 0 or 1 s, and that a picture of one sample. ffmpeg ends when nobody reads
    # it any more; its own numbers and times start again where the film's size or format changes.
    drawn = "settb=1,setpts=INTERLACED,crop=2:2:0:0,format=gray,geq=lum='255*T',crop=1:1,setpts=N"
    form = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray")
    with _reading(source, "stdout", "-vf", drawn, *form, "-") as frames:
        while flag := frames.read(1):
            yield flag > b"\x80"


@contextmanager
def _reading(source: ClipSource, pipe: Literal["stdout", "stderr"], *options: str) -> Iterator[IO[bytes]]:
    """A pipe of an ffmpeg that reads the film until the block is left.

    Raises:
        EncodeError: ffmpeg failed before the pipe's reader had enough.
    """
    command = [
        *(find_ffmpeg().path, "-hide_banner", "-nostdin", "-nostats", "-noautorotate"),
        *("-i", f"file:{source.path}", "-map", f"0:{source.track.index}", *options),
    ]
    stdout, stderr = (
        subprocess.PIPE if pipe == name else subprocess.DEVNULL for name in ("stdout", "stderr")
    )
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr) as process:
        output = process.stdout or process.stderr
        assert output
        try:
            yield output
            if not output.read(1) and process.wait():
                raise EncodeError(f"ffmpeg ended with exit code {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()


def _stored(path: Path) -> tuple[int, Sequence[tuple[int, int]]] | None:
    """How many frames were looked at before, and the runs that were found; None if none were."""
    try:
        with open_cached(path) as file:
            frames, runs = json.load(file)
            return int(frames), [(int(start), int(end)) for start, end in runs]
    except (OSError, ValueError, TypeError):  # also a file that is not ours
        return None


def _store(path: Path, known: tuple[int, Sequence[tuple[int, int]]]) -> None:
    """Without a place to keep it, the film is read again next time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(known).encode(), mode=CACHED_MODE)


def _clock(time: Fraction) -> str:
    """A time as `--start` takes it."""
    minutes, seconds = divmod(float(time), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{seconds:06.3f}"
