"""Files of kinds that broke encodes, each made by one line of ffmpeg or a few bytes, and what must come out.

A row says how its file is made and, where the checker cannot know it from the source, what must come out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.media import ffmpeg

Make = Callable[[Path], object]
"""Makes the file at the path that it is given; may use its folder."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row.

    Attributes:
        name: Name of the file; the suffix is its container.
        make: How it is made.
        outputs: Suffixes of the outputs that are tried.
        args: Options for ffmpeg, after the suite's own.
        times: When frames are shown, in seconds from the first picture or sound on; None
            for those of the source, as ffmpeg makes them.
        sound: When each sound begins, on the same clock; None for that of the source.
        lasts: Seconds from the first picture or sound to the end of the last; None for the source's.
        size: Width and height of the output; None for twice the source's.
        aspect: Width by height of the picture as it is shown; None for the source's.
        streams: Codecs of the output's streams, in order; None where the checker's word is enough.
        tags: Tags that the output must have: ("", "title", "Film") of the file,
            ("video", "stereo_mode", "top_bottom") of the first stream of a kind.
        notes: Words of the notes, one text for each note; None if they don't matter.
        excused: Beginnings of the checker's lines that are right here.
    """

    name: str
    make: Make
    outputs: Sequence[str] = (".mkv", ".mp4")
    args: Sequence[str] = ()
    times: Sequence[float] | None = None
    sound: Sequence[float] | None = None
    lasts: float | None = None
    size: tuple[int, int] | None = None
    aspect: float | None = None
    streams: Sequence[str] | None = None
    tags: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] | None = None
    excused: Sequence[str] = ()


def line(*arguments: str) -> Make:
    """A file that one line of ffmpeg makes."""
    return lambda path: ffmpeg(*arguments, path)


def twice(*arguments: str) -> Make:
    """Two equal files, one behind the other, as cells of a DVD and pieces of recordings are joined."""

    def make(path: Path) -> None:
        ffmpeg(*arguments, path)
        path.write_bytes(path.read_bytes() * 2)

    return make


def picture(seconds: float = 1, rate: int = 25) -> tuple[str, ...]:
    """Input options for a moving picture."""
    return ("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={rate}:d={seconds}")


def tone(seconds: float = 1) -> tuple[str, ...]:
    """Input options for a tone."""
    return ("-f", "lavfi", "-i", f"sine=440:d={seconds}:r=48000")


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
LATE_SOUND = (*picture(), "-itsoffset", "0.5", *tone(), "-map", "0:v", "-map", "1:a")

CASES = [
    Case(
        name="plain.mp4",
        make=line(*picture(), *tone(), *H264, "-c:a", "aac"),
        notes=(),
        excused=("video 0 has lost its tag handler_name", "video 0 is no longer default"),
    ),
    Case(name="late_sound.ts", make=line(*LATE_SOUND, *H264, "-c:a", "aac")),
    Case(name="late_sound.m2ts", make=line(*LATE_SOUND, *H264, "-c:a", "ac3")),
    Case(name="late_sound.vob", make=line(*LATE_SOUND, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob")),
]
