"""Finding ffmpeg, and telling it what the frames' properties say.

y4m carries the size, the rate, the sample aspect ratio and (8-bit 4:2:0 only)
the chroma siting. The rest of the colour description goes to ffmpeg as options
of its input, so that it tags the frames before they reach filter and encoder.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

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
from vs_espcn.streaming.y4m_writer import declared_range

OLDEST = (5, 1)
"""The first version of ffmpeg that has every option used here."""

_ROTATION_SINCE = (6, 1)

MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
_CHROMA_LOCATIONS = {0: "left", 1: "center", 2: "topleft", 3: "top", 4: "bottomleft", 5: "bottom"}
_RANGES = {"limited": "tv", "full": "pc"}

_COLOUR_OPTIONS: dict[str, tuple[str, dict[int, str]]] = {
    "_Matrix": ("-colorspace", MATRICES),
    "_Transfer": ("-color_trc", TRANSFERS),
    "_Primaries": ("-color_primaries", PRIMARIES),
    "_ChromaLocation": ("-chroma_sample_location", _CHROMA_LOCATIONS),
}
"""Frame property → ffmpeg's option and its names for the property's values (ITU-T H.273)."""


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
    if on_path and (version := _version_of(on_path)) and version >= OLDEST:
        return Ffmpeg(path=_absolute(on_path), version=version)
    try:
        return _checked(imageio_ffmpeg.get_ffmpeg_exe(), "imageio-ffmpeg brings")
    except RuntimeError:
        found = f"{on_path!r}, which is too old or cannot be run" if on_path else "nothing"
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


def frame_options(props: Mapping[str, Any]) -> list[str]:
    """Input options for ffmpeg that say what a frame's properties say.

    Args:
        props: Properties of the first frame of the clip that is encoded.

    Returns:
        Options for colour range, matrix, transfer, primaries, chroma siting and
        rotation, to stand before the pipe's ``-i``. A property that is absent,
        unspecified or unknown to ffmpeg gives none.
    """
    options: list[str] = []
    for prop, (option, names) in _COLOUR_OPTIONS.items():
        if (name := names.get(props.get(prop, -1))) is not None:
            options += [option, name]
    if found := declared_range(props):
        options += ["-color_range", _RANGES[found]]
    # BestSource turns clockwise, ffmpeg counter-clockwise.
    if rotation := -props.get("Rotation", 0) % 360:
        options += ["-noautorotate", "-display_rotation", str(rotation)]
    if props.get("FlipVertical"):
        options += ["-noautorotate", "-display_vflip"]
    return options


def siting_options(props: Mapping[str, Any]) -> list[str]:
    """Options of the encoder that keep the chroma siting where ffmpeg converts the pixel format.

    Its scaler of version 9 tags what it makes as sited to the left, and moves no chroma.
    """
    location = _CHROMA_LOCATIONS.get(props.get("_ChromaLocation", -1))
    return ["-chroma_sample_location", location] if location else []


def _absolute(program: str) -> str:
    """The path of a program, looked up as a shell does; the same from whatever folder it is started."""
    return str(Path(shutil.which(program) or program).absolute())


def _checked(program: str, who: str) -> Ffmpeg:
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
