"""The first line of a YUV4MPEG2 stream: parsing, checks, and the line for another size."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.streaming import y4m_writer

_LONGEST_FOR_FFMPEG = 96
"""ffmpeg refuses to read longer headers."""

_LARGEST_FRAME = 512 * 2**20
"""In bytes; 8K in 4:4:4 of 16 bits takes 199 MB."""

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
    """The fields of a header line.

    Attributes:
        values: Values of the fields W, H, F, I, A and C that the line has, by letter.
        extra: The X fields in their order, each with its X.
    """

    values: Mapping[str, str]
    extra: tuple[str, ...]

    def with_range(self, name: str) -> "_Fields":
        """Return the same line with another sample range, ``"limited"`` or ``"full"``."""
        others = tuple(field for field in self.extra if not field.startswith(_RANGE_FIELD))
        return replace(self, extra=(*others, _RANGE_FIELD + name.upper()))

    @property
    def range(self) -> vs.Range | None:
        """The sample range; None if the line has none."""
        return next((value for name, value in _RANGES.items() if _RANGE_FIELD + name in self.extra), None)

    @property
    def older_colour_space(self) -> str | None:
        """The colour space as XYSCSS, which streams without C use; None if the line has none."""
        spelt = (field.removeprefix("XYSCSS=") for field in self.extra if field.startswith("XYSCSS="))
        return next((space.lower() for space in spelt), None)


@dataclass(frozen=True, kw_only=True)
class Y4mHeader:
    """A stream's first line.

    Attributes:
        values: Values of the fields W, H, F, I, A and C, by letter.
        extra: The X fields in their order, each with its X.
        video: Format of the frames.
        width: In luma samples.
        height: In luma samples.
        fps: Frames per second; 25, as in ffmpeg, if the stream gives none.
        props: Frame properties with the same meaning as the fields.
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
        """Bytes of a frame without its FRAME line."""
        subsampled = (self.width >> self.video.subsampling_w) * (self.height >> self.video.subsampling_h)
        chroma = (self.video.num_planes - 1) * subsampled
        planes = self.width * self.height * (2 if self.alpha else 1) + chroma
        return int(planes * self.video.bytes_per_sample)

    def resized(self, width: int, height: int, aspect: tuple[int, int]) -> bytes:
        """Return the first line of the same stream at another size.

        The other fields stay as they were, except that X fields are dropped until
        the line is short enough for ffmpeg; the range is dropped last.

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
            if len(line) <= _LONGEST_FOR_FFMPEG or not extra:
                break
            extra.pop()
        return line.encode("ascii")


def parse_header(line: bytes, *, range_: str | None = None) -> Y4mHeader:
    """Parse a stream's first line.

    Args:
        line: Without its line feed.
        range_: ``"limited"`` or ``"full"``, which overrides the line's own range.

    Raises:
        InputError: It is not y4m, or cannot be upscaled.
    """
    fields = _split(line)
    if range_:
        fields = fields.with_range(range_)
    older = {"C": fields.older_colour_space} if fields.older_colour_space else {}
    get = {**_DEFAULTS, **older, **fields.values}
    if get["I"] in _INTERLACED:
        raise InputError(
            f"the stream on stdin is interlaced (I{get['I']}, {_INTERLACED[get['I']]}); deinterlace it "
            "before the pipe, for example with ffmpeg -vf bwdif, or, if it is actually progressive, clear "
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
    extra: dict[str, None] = {}  # an ordered set
    for word in filter(None, words):
        if not re.fullmatch(rb"[WHFIACX][!-~]+", word):
            raise _malformed(repr(word)[1:], "fields W, H, F, I, A, C and X with a value")
        text = word.decode("ascii")
        if text[0] == "X":
            extra[text] = None
            continue
        if text[0] in values:
            raise _malformed(f"{text} and {text[0]}{values[text[0]]}", "each field once")
        values[text[0]] = text[1:]
    return _Fields(values=values, extra=tuple(extra))


def _side(letter: str, fields: Mapping[str, str]) -> int:
    text = fields.get(letter, "")
    if not re.fullmatch(r"[0-9]{1,5}", text) or not int(text):
        raise _malformed(letter + text, f"{letter}1 to {letter}99999")
    return int(text)


def _ratio(letter: str, text: str) -> Fraction | None:
    """Parse a ratio of two numbers; None for 0:0, which means unknown."""
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
