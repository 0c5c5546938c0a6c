"""Finding ffmpeg, and asking it about files."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from vs_espcn.encoding.media_info import (
    StreamInfo,
    format_in,
    frame_data_in,
    has_chapters,
    start_in,
    stream_tags,
    streams_in,
    timecode_in,
)
from vs_espcn.errors import EncodeError

OLDEST = (5, 1)
"""The first version of ffmpeg that has every option used here."""

_ROTATION_SINCE = (6, 1)


@dataclass(frozen=True, kw_only=True)
class Ffmpeg:
    """An ffmpeg that can be run.

    Attributes:
        path: The executable.
        version: Leading numbers of its version; for a build of the development
            branch, which has none, a version above all others.
    """

    path: str
    version: tuple[int, ...]

    @property
    def writes_rotation(self) -> bool:
        """Whether it can give a rotation tag to a video that it encodes."""
        return self.version >= _ROTATION_SINCE


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What ffmpeg says of a file.

    Attributes:
        format: ffmpeg's name of its format.
        start: When its first stream starts, in seconds on its own clock, to the
            microsecond; None if it has no timestamps.
        streams: Its streams by index.
        tags: Tags of the video track.
        frame_data: What its first frame carries beside its picture, as ffmpeg's ``showinfo`` names it.
        timecode: That of the first frame, as ``01:00:00:00`` or with ``;`` before the frames if it
            drops some; None if the film has none.
        chapters: Whether it has chapters.
    """

    format: str
    start: Fraction | None
    streams: dict[int, StreamInfo]
    tags: dict[str, str]
    frame_data: tuple[str, ...]
    timecode: str | None
    chapters: bool


def find_ffmpeg() -> Ffmpeg:
    """Find the ffmpeg to encode with.

    The environment variable IMAGEIO_FFMPEG_EXE names one; else it is the one on
    PATH, unless that is older than `OLDEST`; else the one that the package
    imageio-ffmpeg brings.

    Raises:
        EncodeError: There is none, or it cannot be run or is too old.
    """
    if chosen := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return _checked(chosen, "IMAGEIO_FFMPEG_EXE names")
    on_path = shutil.which("ffmpeg")
    if on_path and not _is_batch_file(on_path) and (version := _version_of(on_path)) and version >= OLDEST:
        return Ffmpeg(path=_absolute(on_path), version=version)
    try:
        return _checked(imageio_ffmpeg.get_ffmpeg_exe(), "imageio-ffmpeg brings")
    except RuntimeError:
        found = f"{on_path!r}, which is too old, a batch file, or cannot be run" if on_path else "nothing"
        raise EncodeError(
            f"ffmpeg was not found: PATH has {found}, and the package imageio-ffmpeg brings none for this "
            f"machine; install ffmpeg {_dotted(OLDEST)} or newer"
        ) from None


def probe(ffmpeg: Ffmpeg, path: Path, track: int) -> Probe:
    """Ask ffmpeg about a file that it is going to read.

    Args:
        ffmpeg: The ffmpeg that reads the file.
        path: A media file.
        track: Index of its video track.
    """
    video = ("-map", f"0:{track}")
    # Two outputs, for which the first packets and the first frame are read.
    tags = ("-map_metadata:g", "-1", "-map_chapters", "-1", "-c", "copy", "-t", "0", "-f", "ffmetadata", "-")
    frame = ("-vf", "showinfo=checksum=0", "-frames:v", "1", "-f", "null", "-")
    command = [
        *(ffmpeg.path, "-hide_banner", "-nostdin", "-i", f"file:{path}"),
        *(*video, *tags, *video, *frame),
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    listing, metadata = (text.decode(errors="replace") for text in (done.stderr, done.stdout))
    return Probe(
        format=format_in(listing),
        start=start_in(listing),
        streams=streams_in(listing),
        tags=stream_tags(metadata),
        frame_data=frame_data_in(listing),
        timecode=timecode_in(listing),
        chapters=has_chapters(listing),
    )


def _absolute(program: str) -> str:
    """The path of a program, looked up as a shell does; the same from whatever folder it is started."""
    return str(Path(shutil.which(program) or program).absolute())


def _is_batch_file(program: str) -> bool:
    """Whether Windows runs a program by its shell, which reads % and & in file names."""
    return Path(program).suffix.lower() in {".cmd", ".bat"}


def _checked(program: str, who: str) -> Ffmpeg:
    if _is_batch_file(program):
        raise EncodeError(
            f"{who} {program!r}, a batch file, which garbles file names; give ffmpeg.exe itself"
        )
    path = _absolute(program)
    version = _version_of(path)
    if version is None:
        raise EncodeError(f"{who} {program!r}, which does not run as ffmpeg; give the path of its executable")
    if version < OLDEST:
        raise EncodeError(
            f"{who} {program!r}, which is ffmpeg {_dotted(version)}; install {_dotted(OLDEST)} or newer"
        )
    return Ffmpeg(path=path, version=version)


def _version_of(path: str) -> tuple[int, ...] | None:
    try:
        done = subprocess.run(
            [path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(rb"ffmpeg version n?(?:([0-9]+(?:\.[0-9]+)*)|\S)", done.stdout)
    if done.returncode or not found:
        return None
    return tuple(int(part) for part in found[1].split(b".")) if found[1] else (1000,)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
