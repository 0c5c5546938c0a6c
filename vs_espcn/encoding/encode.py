"""Encoding a clip: a pipe into ffmpeg's standard input, a checked file out.

The pipe carries y4m, or, where every frame has its own time, raw video in Matroska.

The file is written under a hidden name beside the output (see `output_file`) and takes
the output's name only when everything went well: ffmpeg ended without an error,
wrote as many frames as the clip has, each at its time, and the file is on the disk.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.alpha import alpha_options
from vs_espcn.encoding.colour_args import siting_options
from vs_espcn.encoding.containers import Container, StreamMapping, container_of, map_streams
from vs_espcn.encoding.covers import attach_options, for_first_video
from vs_espcn.encoding.dynamic_hdr import dynamic_hdr_notes
from vs_espcn.encoding.encoder_parameters import PARAMETER_OPTIONS, with_parameters
from vs_espcn.encoding.ffmpeg import Ffmpeg, find_ffmpeg
from vs_espcn.encoding.ffmpeg_input import (
    PipeInput,
    Timeline,
    clock_options,
    last_duration_options,
    order_options,
    pipe_input,
    timeline,
)
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess, command_line
from vs_espcn.encoding.hdr10 import hdr10_notes, hdr10_parameters
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.encoding.presets import default_args, preset_args
from vs_espcn.encoding.source import ClipSource, check_input
from vs_espcn.encoding.time_check import check_times
from vs_espcn.encoding.track_tags import label_video
from vs_espcn.errors import EncodeError, InputError
from vs_espcn.filter.vs_errors import last_line

_CHOOSES_ENCODER = frozenset({"-c", "-c:v", "-c:v:0", "-codec", "-codec:v", "-codec:v:0", "-vcodec"})


@dataclass(frozen=True, kw_only=True)
class OutputTarget:
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


def check_output(source: Path, output: Path, *, overwrite: bool = False) -> OutputTarget:
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
    path = check_writable(source, output, overwrite=overwrite)
    return OutputTarget(path=path, container=container_of(path), ffmpeg=find_ffmpeg(), overwrite=overwrite)


def check_writable(source: Path, output: Path, *, overwrite: bool) -> Path:
    """Refuse a file that could not be written, whatever goes into it.

    Returns:
        The output, with symbolic links resolved.

    Raises:
        InputError: As by `check_output`.
    """
    check_input(source)
    name = repr(str(output))
    try:
        output = output.resolve()
        if output.is_dir():
            raise InputError(f"OUTPUT {name} is a folder; give the name of a file")
        if output.exists():
            _check_replaceable(source, output, name, overwrite)
        # The one sure way to know that the folder can be written is to write in it.
        with partial_file(output):
            pass
    except OSError as error:
        raise InputError(f"OUTPUT {name} cannot be written: {error.strerror or error}") from None
    return output


def _check_replaceable(source: Path, output: Path, name: str, overwrite: bool) -> None:
    if output.samefile(source):
        raise InputError(f"OUTPUT {name} is the same file as INPUT; give another name")
    if not output.is_file():
        raise InputError(f"OUTPUT {name} is not a regular file; give the name of a file")
    if not overwrite:
        raise InputError(f"OUTPUT {name} exists; give another name, or --overwrite")


@dataclass(frozen=True, kw_only=True)
class EncodePlan:
    """All that is known of an encode before its first frame is upscaled.

    Attributes:
        clip: The video.
        first: Its first frame.
        source: Where everything else comes from.
        destination: Where to.
        timeline: How video and everything else are kept in step.
        streams: What becomes of the source's other streams.
        video: The video encoder and its options, unless the user chose one.
        encoder: ffmpeg's name of the encoder.
        container: Options of the file: its muxer, tags and chapters.
        user: Options of the user, which come last.
        notes: One line for each thing that isn't kept as it is.
    """

    clip: vs.VideoNode
    first: vs.VideoFrame
    source: ClipSource
    destination: OutputTarget
    timeline: Timeline
    streams: StreamMapping
    video: tuple[str, ...]
    encoder: str
    container: tuple[str, ...]
    user: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def feed(self) -> PipeInput:
        """The frames' way into ffmpeg."""
        source = self.source
        return pipe_input(self.clip, self.first, source.times, source.ends, delay=self.timeline.delay)

    def shown(self, frame: int) -> Fraction:
        """When a frame is shown, in seconds on the clip's own clock; after the last, when that one ends."""
        times, ends = self.source.times, self.source.ends
        if times is None or ends is None:
            return frame / Fraction(self.clip.fps)
        return times[frame] if frame < len(times) else ends

    def arguments(self, output: Path) -> tuple[str, ...]:
        """Options for ffmpeg that encode everything in one go, into a file."""
        return (
            *self.timeline.global_options,
            *self.feed.options,
            *self.source_input,
            *clock_options(self.source.times),
            *last_duration_options(
                self.destination.ffmpeg, self.destination.container.muxer, self.feed, self.timeline.delay
            ),
            *self.streams.args,
            *self.timeline.output_options,
            *self.video,
            *self.container,
            *self.user,
            f"file:{output}",
            *self.timeline.clock_output,
        )

    @property
    def source_input(self) -> tuple[str, ...]:
        """The source as an input of ffmpeg."""
        return (*self.timeline.source_options, "-i", f"file:{self.source.path}")


def plan_encode(
    clip: vs.VideoNode,
    destination: OutputTarget,
    source: ClipSource,
    *,
    preset: str | None = None,
    ffmpeg_args: Sequence[str] = (),
) -> EncodePlan:
    """Plan an encode of a clip, with everything but the video taken from its source.

    Audio, subtitles, chapters, attachments and metadata come from the source
    file, as far as the container takes them (see `containers`), in step with
    the video as they were there. Colour description, sample aspect ratio and
    HDR10 metadata come from the properties of the clip's first frame, which is
    made here.

    Args:
        clip: The video: constant format and size, and as many frames, at the
            same times, as the source's.
        destination: Where to write, from `check_output`.
        source: The file that the clip was made from.
        preset: A row of `presets`; None for the default encoder, as `default_args` says.
        ffmpeg_args: Output options for ffmpeg. They come after the defaults and
            win over them; one that chooses a video encoder drops the default
            encoder's options.

    Raises:
        EncodeError: The first frame could not be made.
        InputError: The clip cannot go through a pipe, the preset doesn't fit the
            container, or two encoders are chosen.
    """
    chosen = _chosen_encoder(destination, preset, ffmpeg_args)
    suffix = destination.path.suffix
    streams = map_streams(destination.container, suffix, source.others)
    with frame_errors():
        first = clip.get_frame(0)
    pipe_input(clip, first, source.times, source.ends)  # refuses what no pipe carries
    encoding, encoder = chosen or _default_encoder(destination, clip, first)
    labels = label_video(source, destination.container, suffix, encoder)
    user = list(ffmpeg_args)
    if encoder in PARAMETER_OPTIONS:
        parameters = [*hdr10_parameters(encoder, first.props), *labels.parameters]
        user = with_parameters(encoder, parameters, user)
    kept = alpha_options_of(destination, preset, ffmpeg_args) if "_Alpha" in first.props else None
    alpha = kept or ()
    video = (*encoding, *siting_options(first.props), *order_options(source.times, source.ends), *alpha)
    if streams.pictures:
        video, user = tuple(for_first_video(video)), for_first_video(user)
    attached, attach_notes = _attach(destination, source, streams)
    return EncodePlan(
        clip=clip,
        first=first,
        source=source,
        destination=destination,
        timeline=timeline(clip, source, source.known),
        streams=streams,
        video=video,
        encoder=encoder,
        container=(
            *("-map_metadata", "1", "-map_chapters", "1"),
            *labels.options,
            *alpha,
            *attached,
            *("-f", destination.container.muxer, "-strict", "experimental"),
        ),
        user=tuple(user),
        notes=(
            *(*streams.notes, *labels.notes, *attach_notes),
            *_notes_on_metadata(destination, source, first, encoder),
        ),
    )


def _notes_on_metadata(
    destination: OutputTarget, source: ClipSource, first: vs.VideoFrame, encoder: str
) -> list[str]:
    """Notes on what the encoder or the container leaves out, beside streams and tags."""
    notes = [
        *hdr10_notes(encoder, first.props),
        *dynamic_hdr_notes(source.known.streams.get(source.track.index), first.props),
    ]
    if source.known.chapters and not destination.container.chapters:
        notes.append(f"chapters are left out, since {destination.path.suffix} cannot hold them")
    return notes


def alpha_options_of(
    destination: OutputTarget, preset: str | None, ffmpeg_args: Sequence[str]
) -> tuple[str, ...] | None:
    """Options that an encode needs to keep alpha planes; None if it cannot keep them.

    Args:
        destination: As for `plan_encode`, like the others.
        preset: A row of `presets`, or None.
        ffmpeg_args: Output options for ffmpeg.

    Raises:
        InputError: As by `plan_encode`.
    """
    default = destination.container.video
    args, encoder = _chosen_encoder(destination, preset, ffmpeg_args) or (default, _encoder_of(default))
    return alpha_options(destination.ffmpeg, encoder, destination.container.muxer, [*args, *ffmpeg_args])


def _attach(
    destination: OutputTarget, source: ClipSource, streams: StreamMapping
) -> tuple[list[str], list[str]]:
    """Options that attach the covers that are no streams, and a note if they cannot be."""
    try:
        options = attach_options(
            destination.ffmpeg, source.path, streams.covers, attachments=streams.attachments
        )
    except OSError as error:
        return [], [f"covers are left out, since the cache folder cannot be written ({error.strerror})"]
    return options, []


def _chosen_encoder(
    destination: OutputTarget, preset: str | None, ffmpeg_args: Sequence[str]
) -> tuple[tuple[str, ...], str] | None:
    """Options of the encoder that the user chose, apart from the user's own, and its name; None if none."""
    chosen = [value for option, value in pairwise(ffmpeg_args) if option in _CHOOSES_ENCODER]
    if not preset:
        return ((), chosen[-1]) if chosen else None
    args = preset_args(preset, destination.path.suffix)
    if chosen:
        raise InputError(f"both preset {preset!r} and the encoder {chosen[-1]!r} are chosen; give one")
    return args, _encoder_of(args)


def _default_encoder(
    destination: OutputTarget, clip: vs.VideoNode, first: vs.VideoFrame
) -> tuple[tuple[str, ...], str]:
    args = default_args(destination.container.video, destination.path.suffix, clip.format, first.props)
    return args, _encoder_of(args)


def _encoder_of(args: tuple[str, ...]) -> str:
    return args[args.index("-c:v") + 1]


def command(encode_plan: EncodePlan) -> list[str]:
    """Return the exact command line of an encode, except that it writes to the output's own name."""
    return command_line(
        encode_plan.destination.ffmpeg.path, encode_plan.arguments(encode_plan.destination.path)
    )


def encode(encode_plan: EncodePlan, *, on_frame: Callable[[int], None] | None = None) -> None:
    """Write the file that was planned.

    Args:
        encode_plan: From `plan_encode`.
        on_frame: Called with the number of frames handed to ffmpeg after each.

    Raises:
        EncodeError: A frame could not be made, ffmpeg failed or wrote too few
            frames or wrong times, the disk is full, or a file took the output's name in the
            meantime.
        InputError: Another run is writing the same output.
    """
    destination = encode_plan.destination
    with frame_errors(), disk_errors(destination.path), partial_file(destination.path) as part:
        with FfmpegProcess(destination.ffmpeg.path, encode_plan.arguments(part)) as encoder:
            encoder.feed(encode_plan.feed.frames(), on_frame=on_frame)
            encoder.finish(encode_plan.clip.num_frames)
        check_times(
            destination.ffmpeg,
            part,
            [encode_plan.shown(frame) for frame in range(encode_plan.clip.num_frames)],
        )
        publish(part, destination.path, overwrite=destination.overwrite)


@contextmanager
def frame_errors() -> Iterator[None]:
    """Turn VapourSynth's error on a frame into ours."""
    try:
        yield
    except vs.Error as error:
        raise EncodeError(f"a frame could not be made: {last_line(error)}") from None


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an error of the disk into one that names the file."""
    try:
        yield
    except OSError as error:
        raise EncodeError(f"{str(path)!r} cannot be written: {error.strerror or error}") from None
