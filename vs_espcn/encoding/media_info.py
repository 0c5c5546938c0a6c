"""What ffmpeg says of a file's streams, read from the list that every version of it prints.

ffprobe would be plainer to read, but not every ffmpeg comes with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_SHOWN = re.compile(r"\[Parsed_showinfo_0 @ \w+\] +side data - (.*)")
_TIMECODE = re.compile(r"^ +timecode +: (\d\d:\d\d:\d\d[:;.]\d\d)$", re.IGNORECASE | re.MULTILINE)
_STREAM = re.compile(
    r" *Stream #0:(?P<index>\d+)(?:\[\w+\])?(?:\((?P<language>[^)]*)\))?: (?P<kind>\w+): (?P<text>.*)"
)
_TAG = re.compile(r" +(?P<key>\S.*?) *: (?P<value>.*)")
_ASPECT = re.compile(r", SAR (\d+):(\d+) DAR ")
_SIZE = re.compile(r", (\d+)x(\d+)\b")
_ROTATION = re.compile(r"rotation of (-?[0-9.]+) degrees")
_SOUND = re.compile(r", [1-9]\d* Hz, (?!0 channels)")


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """One stream of a file.

    Attributes:
        index: Its number in the file, from 0.
        kind: ``Video``, ``Audio``, ``Data``, ``Subtitle`` or ``Attachment``.
        text: Codec, format and flags, as ffmpeg prints them.
        language: Code of its language; None if it has none.
        tags: Its tags, each cut to its first 255 bytes.
        side_data: What else the container says of it, one line each.
    """

    index: int
    kind: str
    text: str
    language: str | None
    tags: dict[str, str]
    side_data: tuple[str, ...]

    @property
    def codec(self) -> str:
        """Name of the codec, as ffmpeg calls it; ``none`` if it is unknown."""
        return re.split(r"[ ,]", self.text, maxsplit=1)[0]

    @property
    def aspect(self) -> Fraction | None:
        """Sample aspect ratio of the container, if it has one and another than the stream."""
        found = _ASPECT.search(re.sub(r"\[.*?\]", "", self.text))
        return Fraction(int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height."""
        found = _SIZE.search(self.text)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def is_sideways(self) -> bool:
        """True if it is to be shown turned by a quarter."""
        found = _ROTATION.search("\n".join(self.side_data))
        return found is not None and round(float(found[1])) % 180 == 90

    @property
    def is_playable(self) -> bool:
        """False if the codec is unknown, or sound has no sample rate or no channels."""
        return self.codec != "none" and (self.kind != "Audio" or bool(_SOUND.search(self.text)))

    @property
    def is_timecode(self) -> bool:
        """True for a timecode track of MP4 and MOV."""
        return "(tmcd / " in self.text

    @property
    def is_chapters(self) -> bool:
        """True for the text track in which MP4 and MOV keep their chapters' titles."""
        return self.kind == "Data" and "bin_data (text / " in self.text

    @property
    def has_captions(self) -> bool:
        """True if the video carries closed captions in its frames."""
        return self.kind == "Video" and ", Closed Captions" in self.text

    def tag(self, name: str) -> str | None:
        """A tag by its name in whatever case; None if there is none."""
        return next((value for key, value in self.tags.items() if key.lower() == name), None)


def streams_in(listing: str) -> dict[int, StreamInfo]:
    """The streams of ffmpeg's first input, by index.

    Args:
        listing: What ``ffmpeg -i`` prints.
    """
    found: dict[int, StreamInfo] = {}
    for stream in _streams(listing.splitlines()):
        found.setdefault(stream.index, stream)
    return found


def _streams(lines: list[str]) -> Iterator[StreamInfo]:
    for number, line in enumerate(lines):
        if match := _STREAM.fullmatch(line):
            tags, side_data = _details(lines[number + 1 :], _indent(line))
            yield StreamInfo(
                index=int(match["index"]),
                kind=match["kind"],
                text=match["text"],
                language=match["language"],
                tags=tags,
                side_data=side_data,
            )


def _details(lines: list[str], indent: int) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags and side data, which stand deeper than their stream."""
    tags: dict[str, str] = {}
    side_data: list[str] = []
    heading = ""
    for line in lines:
        if _indent(line) <= indent:
            break
        if _indent(line) == indent + 2:
            heading = line.strip()
        elif heading == "Side data:":
            side_data.append(line.strip())
        elif heading == "Metadata:" and (match := _TAG.fullmatch(line)):
            tags.setdefault(match["key"], match["value"])
    return tags, tuple(side_data)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def format_in(listing: str) -> str:
    """Ffmpeg's name of a file's format; several with commas where it doesn't tell them apart."""
    found = re.search(r"^Input #0, (.+?), from ", listing, re.MULTILINE)
    return found[1] if found else ""


def start_in(listing: str) -> Fraction | None:
    """When a file's first stream starts, in seconds; None if it has no timestamps."""
    found = re.search(r"^ *Duration: .*, start: (-?[0-9.]+)", listing, re.MULTILINE)
    return Fraction(found[1]) if found else None


def timecode_in(listing: str) -> str | None:
    """The film's first timecode, wherever in the file it stands; None if it has none."""
    found = _TIMECODE.search(listing)
    return found[1] if found else None


def has_chapters(listing: str) -> bool:
    """Whether the file has chapters."""
    return bool(re.search(r"^ +Chapter #0:\d+: ", listing, re.MULTILINE))


def frame_data_in(listing: str) -> tuple[str, ...]:
    """What ffmpeg's filter ``showinfo`` says that the first frames carry beside their picture."""
    return tuple(dict.fromkeys(match[1] for line in listing.splitlines() if (match := _SHOWN.match(line))))


def stream_tags(metadata: str) -> dict[str, str]:
    """The tags of a stream, from a file of ffmpeg's own format for metadata that holds nothing else."""
    _, _, section = metadata.partition("[STREAM]\n")
    pairs = re.findall(r"((?:[^\\=\n]|\\.)+)=((?:[^\\\n]|\\.)*)(?:\n|$)", section, re.DOTALL)
    return {_unescaped(key): _unescaped(value) for key, value in pairs}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
