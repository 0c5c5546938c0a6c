"""Encoding a clip: a pipe into ffmpeg's standard input, a checked file out.

The pipe carries y4m, or, where every frame has its own time, raw video in Matroska.

The file is written under a hidden temporary name beside the output and takes
the output's name only when everything went well: ffmpeg ended without an error,
wrote as many frames as the clip has, and the file is on the disk.
"""

import math
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import vapoursynth as vs

from vs_espcn.errors import EncodeError, InputError
from vs_espcn.video import matroska, y4m
from vs_espcn.video.containers import Container, container_of, plan_streams
from vs_espcn.video.ffmpeg import Ffmpeg, Probe, find_ffmpeg, frame_options, probe
from vs_espcn.video.pipe import last_line
from vs_espcn.video.process import Encoder
from vs_espcn.video.source import Source, check_input

_CHOOSES_ENCODER = frozenset({"-c", "-c:v", "-c:v:0", "-codec", "-codec:v", "-codec:v:0", "-vcodec"})


@dataclass(frozen=True, kw_only=True)
class Destination:
    """An output that can be written.

    Attributes:
        path: The output, with symbolic links resolved.
        container: What its suffix stands for.
        ffmpeg: The ffmpeg that will write it.
        overwrite: Whether it may replace a file.
    """

    path: Path
    container: Container
    ffmpeg: Ffmpeg
    overwrite: bool

    @property
    def keeps_rotation(self) -> bool:
        """Whether a rotation tag of the source can be kept; else the picture must be turned."""
        return self.container.rotation and self.ffmpeg.writes_rotation


def check_destination(source: Path, output: Path, *, overwrite: bool = False) -> Destination:
    """Refuse what could not be written, before any work is done.

    Args:
        source: The file that will be read.
        output: The file to be written; its suffix chooses the container.
        overwrite: Whether it may replace a file.

    Raises:
        InputError: `source` is unusable, or `output` is a folder, the same file,
            exists without `overwrite`, has an unknown suffix, or cannot be
            written where it is.
        EncodeError: There is no usable ffmpeg.
    """
    check_input(source)
    name = repr(str(output))
    try:
        output = output.resolve()
        if output.is_dir():
            raise InputError(f"OUTPUT {name} is a folder; give the name of a file")
        if output.exists():
            _check_replaceable(source, output, name, overwrite)
        container = container_of(output)
        # The one sure way to know that the folder can be written is to write in it.
        with _part_of(output):
            pass
    except OSError as error:
        raise InputError(f"OUTPUT {name} cannot be written: {error.strerror}") from None
    return Destination(path=output, container=container, ffmpeg=find_ffmpeg(), overwrite=overwrite)


def _check_replaceable(source: Path, output: Path, name: str, overwrite: bool) -> None:
    if output.samefile(source):
        raise InputError(f"OUTPUT {name} is the same file as INPUT; give another name")
    if not output.is_file():
        raise InputError(f"OUTPUT {name} is not a regular file; give the name of a file")
    if not overwrite:
        raise InputError(f"OUTPUT {name} exists; give another name, or --overwrite")


def encode(
    clip: vs.VideoNode,
    destination: Destination,
    source: Source,
    *,
    ffmpeg_args: Sequence[str] = (),
    on_note: Callable[[str], None] | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Encode a clip, with everything but the video taken from its source.

    Audio, subtitles, chapters, attachments and metadata come from the source
    file, as far as the container takes them (see `containers`), in step with
    the video as they were there. Colour description and sample aspect ratio
    come from the properties of the clip's first frame.

    Args:
        clip: The video: constant format and size, and as many frames, at the
            same times, as the source's.
        destination: Where to write, from `check_destination`.
        source: The file that the clip was made from.
        ffmpeg_args: Output options for ffmpeg. They come after the defaults and
            win over them; one that chooses a video encoder drops the default
            encoder's options.
        on_note: Called with a line for each stream that isn't copied as it is.
        on_frame: Called with the number of frames handed to ffmpeg after each.

    Raises:
        EncodeError: A frame could not be made, ffmpeg failed or wrote too few
            frames, the disk is full, or a file took the output's name in the
            meantime.
        InputError: The clip cannot go through a pipe.
    """
    streams = plan_streams(destination.container, destination.path.suffix, source.others)
    known = probe(destination.ffmpeg, source.path, source.track.index)
    try:
        first = clip.get_frame(0)
        pipe = (
            _timed_pipe(clip, first, source, known) if source.times else _y4m_pipe(clip, first, source, known)
        )
        if on_note:
            for note in streams.notes:
                on_note(note)
        with _part_of(destination.path) as part:
            command = [
                *pipe.options,
                *streams.args,
                *_output_options(destination, known, ffmpeg_args),
                f"file:{part}",
            ]
            with Encoder(destination.ffmpeg.path, command) as encoder:
                encoder.feed(partial(pipe.write, on_frame=on_frame))
                encoder.finish(clip.num_frames)
            _publish(part, destination)
    except vs.Error as error:
        raise EncodeError(f"a frame could not be made: {last_line(error)}") from None
    except OSError as error:
        raise EncodeError(f"{str(destination.path)!r} cannot be written: {error.strerror}") from None


@dataclass(frozen=True, kw_only=True)
class Pipe:
    """How the clip's frames reach ffmpeg.

    Attributes:
        options: ffmpeg's inputs, the pipe and the source file, in step with each other.
        write: Writes the whole clip to a file descriptor; ``on_frame`` is told of each frame.
    """

    options: tuple[str, ...]
    write: Callable[..., int]


def _y4m_pipe(clip: vs.VideoNode, first: vs.VideoFrame, source: Source, known: Probe) -> Pipe:
    """A y4m stream's clock ticks once a frame.

    So the video is delayed by whole frames, and what is left of its true delay
    moves the source's streams.
    """
    y4m.header(clip, first.props)
    start = source.start if source.start is not None else known.start or Fraction(0)
    origin = min(start, known.start) if known.start is not None else start
    delay = math.ceil((start - origin) * clip.fps) / clip.fps
    options = (
        "-copyts",
        *("-f", "yuv4mpegpipe", *frame_options(first.props), "-itsoffset", _seconds(delay), "-i", "pipe:0"),
        *("-itsoffset", _seconds(delay - start), "-i", f"file:{source.path}"),
    )
    return Pipe(options=options, write=partial(y4m.write, clip))


def _timed_pipe(clip: vs.VideoNode, first: vs.VideoFrame, source: Source, known: Probe) -> Pipe:
    """Each frame carries its time since the file's first stream starts."""
    assert source.times
    matroska.header(clip, first.props)
    origin = min(source.times[0], known.start) if known.start is not None else source.times[0]
    times = [time - origin for time in source.times]
    options = (
        "-copyts",
        *("-f", "matroska", *frame_options(first.props), "-i", "pipe:0"),
        *("-itsoffset", _seconds(-origin), "-i", f"file:{source.path}"),
        *("-enc_time_base:v", f"{matroska.TICK.numerator}:{matroska.TICK.denominator}"),
    )
    return Pipe(options=options, write=partial(matroska.write, clip, times=times))


def _output_options(destination: Destination, known: Probe, ffmpeg_args: Sequence[str]) -> list[str]:
    container = destination.container
    return [
        *("-map_metadata", "1", "-map_chapters", "1"),
        *(("-metadata:s:v:0", f"language={known.language}") if known.language else ()),
        *("-fps_mode:v", "passthrough"),
        *(() if _CHOOSES_ENCODER.intersection(ffmpeg_args) else container.video),
        *("-f", container.muxer, "-strict", "experimental"),
        *ffmpeg_args,
    ]


def _seconds(time: Fraction) -> str:
    return f"{float(time):.6f}"


@contextmanager
def _part_of(output: Path) -> Iterator[Path]:
    """An empty file beside `output` under a name that nothing else has; gone at the end."""
    part = output.with_name(f".{output.stem[:40]}.{os.getpid()}-{secrets.token_hex(3)}.part{output.suffix}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _publish(part: Path, destination: Destination) -> None:
    """Give a finished file its name; it is complete on the disk before it has it."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    output = destination.path
    if destination.overwrite:
        part.replace(output)
        return
    try:
        # Claims the name, so that the rename cannot hit another's file.
        os.close(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        rescued = output.with_name(part.name.removeprefix(".").replace(".part", ""))
        part.rename(rescued)
        raise EncodeError(
            f"OUTPUT {str(output)!r} appeared while it was being encoded; "
            f"the finished video is {str(rescued)!r}"
        ) from None
    try:
        part.replace(output)
    except BaseException:
        output.unlink()
        raise
