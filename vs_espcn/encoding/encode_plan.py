"""All that an encode needs to know before its first frame is upscaled."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.colour_args import siting_options
from vs_espcn.encoding.containers import StreamMapping, map_streams
from vs_espcn.encoding.covers import attach_options, for_first_video
from vs_espcn.encoding.dynamic_hdr import dynamic_hdr_notes
from vs_espcn.encoding.encode_errors import frame_errors
from vs_espcn.encoding.encoder_parameters import PARAMETER_OPTIONS, with_parameters
from vs_espcn.encoding.ffmpeg_input import (
    PipeInput,
    Timeline,
    clock_options,
    last_duration_options,
    order_options,
    pipe_input,
    timeline,
)
from vs_espcn.encoding.hdr10 import hdr10_notes, hdr10_parameters
from vs_espcn.encoding.opus_delay import opus_delays
from vs_espcn.encoding.output_target import OutputTarget
from vs_espcn.encoding.source import ClipSource
from vs_espcn.encoding.video_encoder import alpha_options_of, chosen_encoder, default_encoder
from vs_espcn.encoding.video_labels import TrackLabels, label_video


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
        sound: Options for the times of sound.
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
    sound: tuple[str, ...]
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
            *self.sound,
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
    chosen = chosen_encoder(destination, preset, ffmpeg_args)
    suffix, muxer = destination.path.suffix, destination.container.muxer
    streams = map_streams(destination.container, suffix, source.others)
    with frame_errors():
        first = clip.get_frame(0)
    pipe_input(clip, first, source.times, source.ends)  # refuses what no pipe carries
    encoding, encoder = chosen or default_encoder(destination, clip, first)
    labels = label_video(source, destination.container, suffix, encoder)
    user = _with_labels(encoder, first, labels, ffmpeg_args)
    kept = alpha_options_of(destination, preset, ffmpeg_args) if "_Alpha" in first.props else None
    alpha = kept or ()
    video = (*encoding, *siting_options(first.props), *order_options(source.times, source.ends), *alpha)
    if streams.pictures:
        video, user = tuple(for_first_video(video)), for_first_video(user)
    delays = opus_delays(destination.ffmpeg, source.path, muxer, streams, user)
    clock = timeline(clip, source, source.known)
    attached, attach_notes = _attach(destination, source, streams)
    return EncodePlan(
        clip=clip,
        first=first,
        source=source,
        destination=destination,
        timeline=clock,
        streams=streams,
        sound=clock.sound_options(muxer, [track.codec for track in streams.sound], delays),
        video=video,
        encoder=encoder,
        container=(
            *("-map_metadata", "1", "-map_chapters", "1"),
            *labels.options,
            *alpha,
            *attached,
            *("-f", muxer, "-strict", "experimental"),
        ),
        user=tuple(user),
        notes=(
            *(*streams.notes, *labels.notes, *attach_notes),
            *_notes_on_metadata(destination, source, first, encoder),
        ),
    )


def _with_labels(
    encoder: str, first: vs.VideoFrame, labels: TrackLabels, ffmpeg_args: Sequence[str]
) -> list[str]:
    """The user's options, with the encoder's own parameters for HDR10 and stereoscopy."""
    if encoder not in PARAMETER_OPTIONS:
        return list(ffmpeg_args)
    parameters = [*hdr10_parameters(encoder, first.props), *labels.parameters]
    return with_parameters(encoder, parameters, list(ffmpeg_args))


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
