"""Compare a video with its upscaled output, and report what a viewer would notice.

Reads both with ffmpeg alone: its description of the file, a pass that copies every packet, for the times
of all streams, and one that decodes the video, for each frame's time and a thumbnail of it. Times of a
source are those that ``ffmpeg -i`` makes of it.
"""

import re
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16
"""Side of a thumbnail in pixels."""

MAX_DIFFERENCE = 12.0
"""Codes by which the mean of a thumbnail may differ: another frame, or other colours, differ by more."""

TICK = Fraction(2, 1000)
"""Seconds that times may be apart; Matroska rounds to milliseconds."""

PACKET = Fraction(1, 10)
"""Seconds by which the ends of sound may be apart if it was encoded anew, or cut at its packets."""

_STREAM = re.compile(r" +Stream #0:(\d+)(?:\[\w+\])?(?:\((\w+)\))?: (\w+): (\w+)(.*)")
_IGNORED_TAGS = frozenset(
    {"encoder", "creation_time", "major_brand", "minor_version", "compatible_brands", "vendor_id", "duration"}
    | {"bps", "number_of_frames", "number_of_bytes", "service_name", "service_provider"}
)

_TIMED = frozenset({"Video", "Audio", "Subtitle"})

_MOV_TAGS = frozenset(
    {"title", "artist", "album", "album_artist", "comment", "composer", "copyright", "date", "description"}
    | {"genre", "grouping", "lyrics", "show", "episode_id", "network", "synopsis", "track", "disc"}
)
"""Those that MP4 and MOV hold of a file; Matroska holds all, and MPEG-TS none."""


@dataclass(kw_only=True)
class Stream:
    """One stream of a file.

    Attributes:
        kind: ``Video``, ``Audio``, ``Subtitle``, ``Data`` or ``Attachment``.
        codec: ffmpeg's name of its codec.
        language: Three letters, or empty.
        description: The rest of ffmpeg's line.
        tags: Its tags by names in lower case, without those that a muxer writes.
        side_data: ffmpeg's lines about rotation, stereo, mastering display and the like.
        times: When each packet is shown, in seconds, in order; without those that have no time.
        end: When the last ends.
        is_rising: Whether the packets' decoding times rise.
    """

    kind: str
    codec: str
    language: str
    description: str
    tags: dict[str, str] = field(default_factory=dict)
    side_data: list[str] = field(default_factory=list)
    times: list[Fraction] = field(default_factory=list)
    end: Fraction = Fraction(0)
    is_rising: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height; zeros where the stream has none."""
        found = re.search(r", (\d+)x(\d+)", self.description)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def aspect(self) -> Fraction:
        """Width of the picture by its height, as it is shown."""
        # Last comes the container's, which wins over the stream's own in brackets.
        found = re.findall(r"DAR (\d+):(\d+)", self.description)
        width, height = map(int, found[-1]) if found else self.size
        return Fraction(width, height or 1)

    @property
    def is_empty(self) -> bool:
        """True for sound of which the file has only the name."""
        return self.kind == "Audio" and not re.search(r", [1-9]\d* Hz, (?!0 channels)", self.description)

    @property
    def rotation(self) -> int:
        """Degrees by which a player turns the picture, counter-clockwise."""
        found = re.search(r"rotation of (-?\d+)", " ".join(self.side_data))
        return int(found[1]) % 360 if found else 0

    @property
    def dispositions(self) -> set[str]:
        """``default``, ``forced``, ``attached pic`` and so on."""
        return set(re.findall(r" \(([a-z_ ]+)\)(?= \(|$)", self.description))


@dataclass(kw_only=True)
class MediaFile:
    """What ffmpeg says of a file.

    Attributes:
        path: The file.
        tags: Its tags, without those that a muxer writes.
        chapters: Start and end of each chapter, in seconds.
        streams: All streams, in order.
        announced: Seconds that a Matroska file's header says it lasts; 0 for others.
        shown: When each frame of the first video is shown.
        thumbnails: Those frames, gray, (frames, 16, 16).
    """

    path: Path
    tags: dict[str, str] = field(default_factory=dict)
    chapters: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    announced: Fraction = Fraction(0)
    shown: list[Fraction] = field(default_factory=list)
    thumbnails: NDArray[np.uint8]

    def of_kind(self, kind: str) -> list[Stream]:
        """Its streams of a kind, without covers."""
        return [
            each for each in self.streams if each.kind == kind and "attached pic" not in each.dispositions
        ]

    @property
    def is_matroska(self) -> bool:
        """True if any tag fits into it."""
        return self.path.suffix in {".mkv", ".webm"}

    def holds(self, tag: str) -> bool:
        """Whether its format has a place for a tag of the file."""
        if self.is_matroska:
            return tag != "timecode"
        return self.path.suffix in {".mp4", ".m4v", ".mov"} and tag in _MOV_TAGS

    @property
    def timecode(self) -> str | None:
        """That of the first frame, wherever a container has it."""
        found = (tags.get("timecode") for tags in (self.tags, *(stream.tags for stream in self.streams)))
        return next(filter(None, found), None)

    @property
    def origin(self) -> Fraction:
        """When the first picture or sound comes."""
        sound = [stream.times[0] for stream in self.of_kind("Audio") if stream.times]
        return min([self.shown[0], *sound])

    @property
    def lasts(self) -> Fraction:
        """Seconds from there to the end of the last picture or sound; 0 if the file has no times."""
        ends = [each.end for each in self.of_kind("Video")[:1] + self.of_kind("Audio") if each.times]
        # Older versions of ffmpeg write how long the last frame is shown into the header alone.
        return max([end - self.origin for end in ends] + [self.announced])


def read(path: Path, ffmpeg: str) -> MediaFile:
    """Read a file.

    Raises:
        subprocess.CalledProcessError: ffmpeg cannot read it.
    """
    described = _run(ffmpeg, "-hide_banner", "-i", path, check=False).stderr.decode(errors="replace")
    file = MediaFile(path=path, thumbnails=np.empty(0, np.uint8))
    _describe(file, described.splitlines())
    length = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)(?:, start: (-?[0-9.]+))?", described)
    if length and "Input #0, matroska" in described:
        ends = int(length[1]) * 3600 + int(length[2]) * 60 + Fraction(length[3])
        file.announced = ends - Fraction(length[4] or 0)  # without B-frames no start is printed
    _read_packets(file, ffmpeg)
    _read_frames(file, ffmpeg)
    return file


def differences(
    source: MediaFile, output: MediaFile, *, notes: str = "", frames: int | None = None
) -> list[str]:
    """List what is missing or wrong in the output, one line each.

    Args:
        source: What was upscaled.
        output: What came out.
        notes: What the command said; a stream that it names may be missing.
        frames: How many frames were asked for; None for all.
    """
    return [
        *_wrong_times(source, output, frames),
        *_wrong_sound(source, output, frames),
        *_wrong_picture(source, output),
        *_lost_streams(source, output, notes),
        *_lost_tags(source, output),
    ]


def _wrong_times(source: MediaFile, output: MediaFile, frames: int | None) -> list[str]:
    found = []
    expected = source.shown[:frames]
    if len(output.shown) != len(expected):
        found.append(f"{len(output.shown)} frames of {len(expected)}")
    for stream in output.streams:
        if not stream.is_rising:
            found.append(f"times of the {stream.kind.lower()} stream ({stream.codec}) do not rise")
    if any(later <= before for before, later in pairwise(output.shown)):
        found.append("frame times do not rise")
    steps = sorted(later - before for before, later in pairwise(expected))
    is_clean = all(step > 0 for step in steps)
    step = steps[len(steps) // 2] if steps else Fraction(0)
    # Where the source's own times are broken, ffmpeg's are a guess too.
    allowed = TICK if is_clean and steps and steps[0] > step / 2 else max(step, TICK)
    late = [
        (abs((after - output.shown[0]) - (before - expected[0])), number)
        for number, (before, after) in enumerate(zip(expected, output.shown, strict=False))
    ]
    off, number = max(late, default=(Fraction(0), 0))
    if off > allowed:
        found.append(f"frame {number} is shown {float(off):.4f} s off")
    if frames is None and source.lasts and abs(output.lasts - source.lasts) > max(allowed, PACKET):
        found.append(f"it lasts {float(output.lasts):.3f} s, not {float(source.lasts):.3f} s")
    return found


def _wrong_sound(source: MediaFile, output: MediaFile, frames: int | None) -> list[str]:
    found = []
    for number, (before, after) in enumerate(
        zip(source.of_kind("Audio"), output.of_kind("Audio"), strict=False)
    ):
        if not before.times or not after.times:
            continue
        is_copy = before.codec == after.codec
        lag = (after.times[0] - output.shown[0]) - (before.times[0] - source.shown[0])
        if abs(lag) > (TICK if is_copy else PACKET):
            found.append(f"sound {number} begins {float(lag):+.4f} s off the picture")
        if frames is None:
            lag = (after.times[-1] - output.shown[-1]) - (before.times[-1] - source.shown[-1])
            if abs(lag) > PACKET:
                found.append(f"sound {number} ends {float(lag):+.4f} s off the picture")
    return found


def _wrong_picture(source: MediaFile, output: MediaFile) -> list[str]:
    found = []
    before, after = source.of_kind("Video")[0], output.of_kind("Video")[0]
    turned = (after.rotation - before.rotation) % 180 == 90
    shape = 1 / before.aspect if turned else before.aspect
    if abs(after.aspect / shape - 1) > Fraction(1, 50):
        found.append(f"the picture's shape is {float(after.aspect):.3f}, not {float(shape):.3f}")
    count = min(len(source.thumbnails), len(output.thumbnails))
    apart = np.abs(source.thumbnails[:count].astype(int) - output.thumbnails[:count]).mean(axis=(1, 2))
    if count and apart.max() > MAX_DIFFERENCE:
        found.append(f"frame {int(apart.argmax())} looks different ({apart.max():.1f} codes)")
    return found


def _lost_streams(source: MediaFile, output: MediaFile, notes: str) -> list[str]:
    found = []
    for kind in ("Audio", "Subtitle", "Data", "Attachment"):
        before, after = (sum(each.kind == kind for each in file.streams) for file in (source, output))
        # Chapters and timecodes are compared as such, whichever way a container has them.
        before, after = before - _carried_elsewhere(source, kind), after - _carried_elsewhere(output, kind)
        numbers = [number for number, each in enumerate(source.streams) if each.kind == kind]
        noted = sum(f"track {number} " in notes for number in numbers)
        if after < before - noted:
            found.append(f"{before - after} of {before} {kind.lower()} streams are lost without a note")
    if len(output.chapters) != len(source.chapters):
        found.append(f"{len(output.chapters)} of {len(source.chapters)} chapters")
    return found


def _carried_elsewhere(file: MediaFile, kind: str) -> int:
    """How many streams of a kind are chapters or timecodes, as in MP4 and MOV."""
    words = ("(text / ", "(tmcd / ")
    return sum(each.kind == kind and any(word in each.description for word in words) for each in file.streams)


def _lost_tags(source: MediaFile, output: MediaFile) -> list[str]:
    found = [f"tag {name} is lost" for name in source.tags if output.holds(name) and name not in output.tags]
    if source.timecode not in {None, output.timecode} and output.path.suffix != ".ts":
        found.append(f"timecode is {output.timecode}, not {source.timecode}")
    for kind in ("Video", "Audio", "Subtitle"):
        for number, (before, after) in enumerate(
            zip(source.of_kind(kind), output.of_kind(kind), strict=False)
        ):
            where = f"{kind.lower()} {number}"
            if before.language not in {"", "und", after.language}:
                found.append(f"{where} has lost its language {before.language}")
            if output.is_matroska:
                kept = {*after.tags, "timecode"}
                found += [f"{where} has lost its tag {name}" for name in before.tags if name not in kept]
            if output.path.suffix != ".ts":
                found += [f"{where} is no longer {each}" for each in before.dispositions - after.dispositions]
    return found


def _describe(file: MediaFile, lines: list[str]) -> None:
    """Parse what ``ffmpeg -i`` prints; streams of a group stand first, whatever their number."""
    tags, heading = file.tags, ""
    streams: dict[int, Stream] = {}
    stream = None
    for line in lines:
        if found := re.match(r" *(Metadata|Side data):$", line):
            heading = found[1]
            continue
        if found := _STREAM.match(line):
            index, language, kind, codec, rest = found.groups()
            stream = Stream(kind=kind, codec=codec, language=language or "", description=rest)
            tags = streams.setdefault(int(index), stream).tags
        elif found := re.match(r" +Chapter #0:\d+: start ([-0-9.]+), end ([-0-9.]+)", line):
            file.chapters.append((Fraction(found[1]), Fraction(found[2])))
            tags = {}
        elif heading == "Side data" and stream:
            stream.side_data.append(line.strip())
        elif (found := re.match(r" +(\w+) *: (.*)", line)) and found[1].lower() not in _IGNORED_TAGS:
            tags[found[1].lower()] = found[2]
    file.streams = [streams[index] for index in sorted(streams)]


def _read_packets(file: MediaFile, ffmpeg: str) -> None:
    """Every stream's times as ffmpeg makes them; a stream that it cannot copy stays without."""
    kept = [number for number, each in enumerate(file.streams) if each.kind in _TIMED and not each.is_empty]
    maps = [option for number in kept for option in ("-map", f"0:{number}")]
    options = ("-c", "copy", "-copyinkf", "-f", "framecrc", "-")
    done = _run(ffmpeg, "-loglevel", "error", "-i", file.path, *maps, *options)
    units: dict[int, Fraction] = {}
    decoded: dict[int, list[int]] = defaultdict(list)
    for line in done.stdout.decode().splitlines():
        if unit := re.match(r"#tb (\d+): (\d+)/(\d+)", line):
            units[int(unit[1])] = Fraction(int(unit[2]), int(unit[3]))
        elif not line.startswith("#"):
            index, dts, pts, duration = (int(part) for part in line.split(",")[:4])
            stream = file.streams[kept[index]]
            decoded[index].append(dts)
            if abs(pts) < 1 << 62:
                stream.times.append(pts * units[index])
                stream.end = max(stream.end, (pts + duration) * units[index])
    for index, ticks in decoded.items():
        stream = file.streams[kept[index]]
        stream.times.sort()
        stream.is_rising = stream.kind == "Subtitle" or all(
            later > before for before, later in pairwise(ticks)
        )


def _read_frames(file: MediaFile, ffmpeg: str) -> None:
    """When each frame of the video is shown, and its thumbnail."""
    number = next(n for n, each in enumerate(file.streams) if each in file.of_kind("Video")[:1])
    side = f"scale={THUMBNAIL}:{THUMBNAIL}:flags=area,format=gray"
    each = ("-map", f"0:{number}", "-vf", side, "-fps_mode", "passthrough")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "thumbnails"
        times = ("-enc_time_base", "1:1000000", "-f", "framecrc", "-")
        # Sound is read too: ffmpeg makes times of the streams that it reads.
        maps = [f"0:{n}" for n, each in enumerate(file.streams) if each.kind == "Audio" and not each.is_empty]
        sound = [word for each in maps for word in ("-map", each)] + ["-c", "copy", "-f", "null", "-"]
        done = _run(
            *(ffmpeg, "-loglevel", "error", "-i", file.path, *each, "-f", "rawvideo", raw),
            *(*each, *times, *(sound if maps else ())),
        )
        file.thumbnails = np.fromfile(raw, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)
    rows = [line for line in done.stdout.decode().splitlines() if not line.startswith("#")]
    file.shown = [Fraction(int(row.split(",")[2]), 1_000_000) for row in rows]


def _run(ffmpeg: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    command = [ffmpeg, "-nostdin", *map(str, arguments)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=check)
