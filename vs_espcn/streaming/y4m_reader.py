"""YUV4MPEG2 on its way in: a stream's header and its frames, as they come.

What is read is what ffmpeg and mjpegtools write, and nothing is believed that
would cost memory: lines have a longest length, and a frame a largest size,
before anything of that size is allocated.
"""

import io
import os
import re
import select
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import IO

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.errors import InputError
from vs_espcn.streaming import y4m_writer

_LONGEST_LINE = 256
"""Of mjpegtools and of ffmpeg as a writer, in bytes."""

_LONGEST_HEADER_FOR_FFMPEG = 96
"""Longer headers ffmpeg itself refuses to read."""

_LARGEST_FRAME = 512 * 2**20
"""In bytes; 8K in 4:4:4 of 16 bits takes 199 MB."""

_BUFFER = 1 << 18

_SPACES: dict[str, tuple[int, dict[str, int]]] = {
    **{name: (video, {}) for video, name in y4m_writer.COLOUR_SPACES.items()},
    **{name: (vs.YUV420P8, {"_ChromaLocation": int(at)}) for at, name in y4m_writer.SITED_420.items()},
    "420": (vs.YUV420P8, {"_ChromaLocation": int(vs.CHROMA_CENTER)}),  # as ffmpeg reads it
    "444alpha": (vs.YUV444P8, {}),
}
"""y4m's colour spaces: VapourSynth's format and the properties that go with it."""

_INTERLACED = {"t": "top field first", "b": "bottom field first", "m": "mixed"}
_RANGE_FIELD = "XCOLORRANGE="
_RANGES = {"LIMITED": vs.RANGE_LIMITED, "FULL": vs.RANGE_FULL}
_DEFAULTS = {"F": "0:0", "I": "?", "A": "0:0", "C": "420jpeg"}


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """A header line, split.

    Attributes:
        values: Values of the fields W, H, F, I, A and C that the line has, by letter.
        extra: The X fields in their order, each with its X.
    """

    values: Mapping[str, str]
    extra: tuple[str, ...]

    def with_range(self, name: str) -> "_Fields":
        """The same line with another sample range, ``"limited"`` or ``"full"``."""
        others = tuple(field for field in self.extra if not field.startswith(_RANGE_FIELD))
        return replace(self, extra=(*others, _RANGE_FIELD + name.upper()))

    @property
    def range(self) -> vs.Range | None:
        """The sample range; None if the line does not say."""
        return next((value for name, value in _RANGES.items() if _RANGE_FIELD + name in self.extra), None)

    @property
    def older_colour_space(self) -> str | None:
        """The colour space as XYSCSS, which streams without C use; None if the line has none."""
        spelt = (field.removeprefix("XYSCSS=") for field in self.extra if field.startswith("XYSCSS="))
        return next((space.lower() for space in spelt), None)


@dataclass(frozen=True, kw_only=True)
class Y4mHeader:
    """What a stream's first line says.

    Attributes:
        values: Values of the fields W, H, F, I, A and C, by letter.
        extra: The X fields in their order, each with its X.
        video: Format of the frames.
        width: In luma samples.
        height: In luma samples.
        fps: Frames per second; 25 where the stream says nothing, as in ffmpeg.
        props: Frame properties that the fields stand for.
        alpha: Whether a plane of alpha follows the others.
    """

    values: Mapping[str, str]
    extra: tuple[str, ...]
    video: vs.VideoFormat
    width: int
    height: int
    fps: Fraction
    props: Mapping[str, int]
    alpha: bool

    @property
    def frame_bytes(self) -> int:
        """Size of a frame without its line."""
        subsampled = (self.width >> self.video.subsampling_w) * (self.height >> self.video.subsampling_h)
        chroma = (self.video.num_planes - 1) * subsampled
        planes = self.width * self.height * (2 if self.alpha else 1) + chroma
        return int(planes * self.video.bytes_per_sample)

    def resized(self, width: int, height: int, aspect: tuple[int, int]) -> bytes:
        """The first line of the same stream at another size.

        Every other field stays as it came, but for X fields that would make the
        line longer than ffmpeg reads; the range is the last of them to go.

        Args:
            width: In luma samples.
            height: In luma samples.
            aspect: The new sample aspect ratio; (0, 0) if it isn't known.
        """
        values = {**self.values, "W": width, "H": height, "A": f"{aspect[0]}:{aspect[1]}"}
        plain = [f"{letter}{value}" for letter, value in values.items()]
        extra = sorted(self.extra, key=lambda field: not field.startswith(_RANGE_FIELD))
        while True:
            line = " ".join(["YUV4MPEG2", *plain, *extra]) + "\n"
            if len(line) <= _LONGEST_HEADER_FOR_FFMPEG or not extra:
                break
            extra.pop()
        return line.encode("ascii")


def parse_header(line: bytes, *, range_: str | None = None) -> Y4mHeader:
    """Read a stream's first line.

    Args:
        line: Without its line feed.
        range_: ``"limited"`` or ``"full"`` in place of what the line says.

    Raises:
        InputError: It isn't y4m, or nothing that can be upscaled.
    """
    fields = _split(line)
    if range_:
        fields = fields.with_range(range_)
    older = {"C": fields.older_colour_space} if fields.older_colour_space else {}
    get = {**_DEFAULTS, **older, **fields.values}
    if get["I"] in _INTERLACED:
        raise InputError(
            f"the stream on stdin is interlaced (I{get['I']}, {_INTERLACED[get['I']]}); deinterlace it "
            "before the pipe, for example with ffmpeg -vf bwdif, or, if it is in truth progressive, clear "
            "the flag with -vf setfield=prog"
        )
    if get["I"] not in {"p", "?"}:
        raise _malformed(f"I{get['I']}", "Ip")
    if get["C"] not in _SPACES:
        raise InputError(
            f"colour space C{get['C']} on stdin is not supported; convert it before the pipe, for example "
            "with ffmpeg -pix_fmt yuv420p"
        )
    preset, props = _SPACES[get["C"]]
    aspect = _ratio("A", get["A"])
    if aspect:
        props = {**props, "_SARNum": aspect.numerator, "_SARDen": aspect.denominator}
    if fields.range is not None:
        props = {**props, "_Range": int(fields.range)}
    header = Y4mHeader(
        values={letter: get[letter] for letter in "WHFIAC" if letter in get},
        extra=fields.extra,
        video=vs.core.get_video_format(preset),
        width=_side("W", get),
        height=_side("H", get),
        fps=_ratio("F", get["F"]) or Fraction(25),
        props=props,
        alpha=get["C"] == "444alpha",
    )
    _check_size(header)
    return header


def _split(line: bytes) -> _Fields:
    magic, *words = line.split(b" ")
    if magic != b"YUV4MPEG2":
        raise InputError(
            f"what comes on stdin is not y4m: it begins with {line[:16]!r}, not with YUV4MPEG2; "
            "let ffmpeg write it with -f yuv4mpegpipe"
        )
    values: dict[str, str] = {}
    extra: dict[str, None] = {}  # in their order, each once
    for word in filter(None, words):
        if not re.fullmatch(rb"[WHFIACX][!-~]+", word):
            raise _malformed(repr(word)[1:], "fields W, H, F, I, A, C and X with a value")
        text = word.decode("ascii")
        if text[0] == "X":
            extra[text] = None
            continue
        if text[0] in values:
            raise _malformed(f"{text} beside {text[0]}{values[text[0]]}", "each field once")
        values[text[0]] = text[1:]
    return _Fields(values=values, extra=tuple(extra))


def _side(letter: str, fields: Mapping[str, str]) -> int:
    text = fields.get(letter, "")
    if not re.fullmatch(r"[0-9]{1,5}", text) or not int(text):
        raise _malformed(letter + text, f"{letter}1 to {letter}99999")
    return int(text)


def _ratio(letter: str, text: str) -> Fraction | None:
    """A ratio of two numbers; None for 0:0, which means unknown."""
    found = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})", text)
    numbers = (int(found[1]), int(found[2])) if found else (0, 1)
    if numbers == (0, 0):
        return None
    if 0 in numbers:
        raise _malformed(letter + text, f"two numbers like {letter}24000:1001, or {letter}0:0 for unknown")
    return Fraction(*numbers)


def _check_size(header: Y4mHeader) -> None:
    size = f"{header.width}x{header.height}"
    multiple = (1 << header.video.subsampling_w, 1 << header.video.subsampling_h)
    if header.width % multiple[0] or header.height % multiple[1]:
        raise InputError(
            f"the frames on stdin are {size}, and {header.video.name} comes in multiples of "
            f"{multiple[0]}x{multiple[1]}; crop or convert them before the pipe, for example with ffmpeg "
            "-vf crop=trunc(iw/2)*2:trunc(ih/2)*2 or -pix_fmt yuv444p"
        )
    if header.frame_bytes > _LARGEST_FRAME:
        raise InputError(
            f"the header on stdin announces frames of {size} {header.video.name}, "
            f"{header.frame_bytes >> 20} MB each; at most {_LARGEST_FRAME >> 20} MB are accepted: "
            "if that is no mistake, crop or scale them first"
        )


def _malformed(got: str, accepted: str) -> InputError:
    return InputError(f"the y4m header on stdin is malformed: it has {got}; accepted are {accepted}")


class Y4mReader:
    """A y4m stream, read as it comes.

    Attributes:
        header: Its first line.
    """

    def __init__(self, stream: IO[bytes], *, range_: str | None = None) -> None:
        """Read the header.

        Args:
            stream: Buffered, blocking; stays open.
            range_: ``"limited"`` or ``"full"`` in place of what the header says.

        Raises:
            InputError: The stream is empty, or its header cannot be used.
        """
        self._stream = stream
        line = stream.readline(_LONGEST_LINE)
        if not line:
            raise InputError("nothing came on stdin; did the command before the pipe fail?")
        if not line.endswith(b"\n") and line.startswith(b"YUV4MPEG2 "):
            raise InputError(
                f"the y4m header on stdin has no end within {len(line)} bytes; "
                f"at most {_LONGEST_LINE} are accepted"
            )
        self.header = parse_header(line.removesuffix(b"\n"), range_=range_)

    def frames(self) -> Generator[vs.VideoFrame]:
        """All frames, with the header's properties; each is the caller's.

        Raises:
            InputError: The stream ends or goes wrong in the middle of a frame.
        """
        # Untouched memory costs nothing, should the header announce more than comes.
        buffer = np.empty(self.header.frame_bytes, np.uint8)
        number = 0
        while line := self._stream.readline(_LONGEST_LINE):
            if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                raise self._cut_short(number, 0)
            if not re.fullmatch(rb"FRAME( [^\n]*)?\n", line):
                raise InputError(
                    f"the y4m stream on stdin is damaged: frame {number} begins with {line[:16]!r}, "
                    "not with FRAME"
                )
            count = self._stream.readinto(buffer)  # type: ignore[attr-defined] # of every buffered reader
            if count < len(buffer):
                raise self._cut_short(number, count)
            yield _frame(self.header, buffer)
            number += 1

    def _cut_short(self, number: int, count: int) -> InputError:
        return InputError(
            f"the y4m stream on stdin is cut short: of frame {number} came {count} of "
            f"{self.header.frame_bytes} bytes; did the command before the pipe fail?"
        )


def _frame(header: Y4mHeader, data: NDArray[np.uint8]) -> vs.VideoFrame:
    """A frame with a copy of the data."""
    frame = vs.core.create_video_frame(header.video, header.width, header.height)
    frame.props.update(header.props)
    planes = [np.asarray(frame[index]) for index in range(header.video.num_planes)]
    if header.alpha:
        alpha = vs.core.create_video_frame(vs.core.get_video_format(vs.GRAY8), header.width, header.height)
        planes.append(np.asarray(alpha[0]))
    samples = data.view("<u2") if header.video.bytes_per_sample == 2 else data
    start = 0
    for plane in planes:
        np.copyto(plane, samples[start : start + plane.size].reshape(plane.shape))
        start += plane.size
    if header.alpha:
        frame.props["_Alpha"] = alpha
    return frame


class StoppableInput:
    """A descriptor as a buffered stream, of which another thread may be waiting for more.

    Attributes:
        stream: The stream; the descriptor stays open.
    """

    def __init__(self, fd: int) -> None:
        """Wrap a descriptor, which may be non-blocking."""
        self._raw = _Raw(fd)
        self.stream: IO[bytes] = io.BufferedReader(self._raw, _BUFFER)

    def stop(self) -> None:
        """End every later read: it finds the stream at its end.

        A read in progress ends at once too; on Windows, where no pipe can be watched, when the
        next bytes or the end come.
        """
        self._raw.stop()


class _Raw(io.RawIOBase):
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_stopped = False
        if sys.platform != "win32":
            stopped, self._stop = os.pipe()
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)
            self._poll.register(stopped, select.POLLIN)

    def stop(self) -> None:
        self._is_stopped = True
        if sys.platform != "win32":
            os.write(self._stop, b".")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if sys.platform != "win32":
            self._poll.poll()
        if self._is_stopped:
            return 0
        try:
            if sys.platform == "win32":
                data = os.read(self._fd, len(buffer))
                buffer[: len(data)] = data
                return len(data)
            return os.readv(self._fd, [buffer])
        except OSError as error:
            raise InputError(f"stdin cannot be read: {error.strerror}") from None
