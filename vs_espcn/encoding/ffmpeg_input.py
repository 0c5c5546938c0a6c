"""How a clip's frames reach ffmpeg, in step with the streams of the file that it was made from.

A clip of constant rate goes as y4m, whose clock ticks once a frame; one whose
frames have times of their own, or alpha planes, as raw video in Matroska.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import vapoursynth as vs

from vs_espcn.encoding.colour_args import frame_options
from vs_espcn.encoding.ffmpeg import Ffmpeg, Probe
from vs_espcn.encoding.frame_times import usual_step
from vs_espcn.encoding.source import ClipSource
from vs_espcn.streaming import matroska_writer, y4m_writer

_STEADY = ("matroska", "mov")
"""Formats of whose clocks ffmpeg believes that they don't jump, among those that may have chapters."""

_KEEPS_DURATIONS_SINCE = (6, 0)

_ANEW = (
    "setts=ts='if(eq(N,0),TS,PREV_OUTDTS+if({later}(DTS,PREV_INDTS),DTS-PREV_INDTS,max(1,PREV_OUTDURATION)))'"
)
"""Lets a clock that starts anew go on after the last packet."""

_RISING = "setts=ts='if(eq(N,0),TS,if(gt(DTS,PREV_OUTDTS),TS,PREV_OUTDTS+max(1,PREV_OUTDURATION/2)))'"
"""Moves a packet that is not later than the one before it by half a packet, as where a clock jumped."""

_SHORT_PACKETS = frozenset({"mlp", "truehd"})
"""Sound of 1200 packets a second. In milliseconds two of them name one time, and moving each would add up."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Where the video and the source's streams lie in the output.

    Attributes:
        delay: When the first frame is shown, in seconds.
        shift: What is added to the source's times, in seconds.
        end: When the output ends, in seconds; None for the streams' own ends.
        is_cut: Whether what the source has before 0 is left out.
        begins: When the source's first stream starts, in seconds.
        may_jump: Whether the source's format is one in which clocks jump.
        continues: Whether the source's clock jumps, and ffmpeg has to make that of its sound go on.
        picture: Index of the source's video track if ffmpeg has to read it for that; else None.
        restarts: Whether the source's clock starts anew, and ffmpeg leaves it so.
    """

    delay: Fraction
    shift: Fraction
    end: Fraction | None
    is_cut: bool
    begins: Fraction
    may_jump: bool
    continues: bool
    picture: int | None
    restarts: bool

    @property
    def global_options(self) -> tuple[str, ...]:
        """Options that stand before all inputs: ffmpeg corrects no times unless they jump."""
        return () if self.continues else ("-copyts",)

    @property
    def source_options(self) -> tuple[str, ...]:
        """Options that stand before the source's ``-i``."""
        # Where it corrects times, ffmpeg has the source begin at 0 by itself.
        offset = self.shift + self.begins if self.continues else self.shift
        # With exactly this offset, ffmpeg has not the file begin at 0 but those of its streams that are used.
        trap = Fraction(0) if self.continues else -self.begins
        if self.may_jump and seconds(offset) == seconds(trap):
            offset = trap + matroska_writer.TICK
        return ("-itsoffset", seconds(offset))

    @property
    def output_options(self) -> tuple[str, ...]:
        """Options of the output: what it takes of the source's streams."""
        return (
            *(("-ss", "0") if self.is_cut else ()),
            *(("-t", seconds(self.end)) if self.end is not None else ()),
        )

    def sound_options(self, muxer: str, codecs: Sequence[str], delays: Sequence[int]) -> tuple[str, ...]:
        """Options of the output that change times of copied and encoded sound.

        Args:
            muxer: The output's muxer.
            codecs: Each sound's codec in the source.
            delays: Milliseconds by which each sound is to be later, in Matroska.
        """
        # Else a transport stream has one time for several packets.
        options = (
            ["-pes_payload_size", "0"] if (self.restarts or self.continues) and muxer == "mpegts" else []
        )
        for number, (codec, delay) in enumerate(zip(codecs, delays, strict=True)):
            # The times that the filters see tick in milliseconds there, whatever time base they are told.
            filters = [*self._clock_filters(codec), *([f"setts=ts=TS+{delay}"] if delay else [])]
            options += [f"-bsf:a:{number}", ",".join(filters)] if filters else []
        return tuple(options)

    def _clock_filters(self, codec: str) -> list[str]:
        """Filters of packets that have a sound's clock rise."""
        if self.restarts:
            return [_ANEW.format(later="gte" if codec in _SHORT_PACKETS else "gt")]
        return [] if codec in _SHORT_PACKETS else [_RISING]

    @property
    def clock_output(self) -> tuple[str, ...]:
        """A second output, of nothing: without it ffmpeg passes over the source's video, and its clock."""
        if self.picture is None:
            return ()
        return ("-map", f"1:{self.picture}", "-c", "copy", *self.output_options, "-f", "null", "-")


@dataclass(frozen=True, kw_only=True)
class PipeInput:
    """A clip's frames on their way.

    Attributes:
        options: ffmpeg's input, the pipe.
        frames: Starts the clip; yields what to write for each frame.
        last: When the last frame is shown after the first and for how long, in
            seconds; None for a constant rate.
    """

    options: tuple[str, ...]
    frames: Callable[[], Generator[list[memoryview]]]
    last: tuple[Fraction, Fraction] | None = None


def timeline(clip: vs.VideoNode, source: ClipSource, known: Probe) -> Timeline:
    """Keep the clip and the source's streams in step, as they were.

    A clip of constant rate is delayed by whole frames, and what is left of its
    true delay moves the source's streams.
    """
    start = source.start if source.start is not None else known.start or Fraction(0)
    first = source.begin if source.begin is not None else known.start
    origin = min(start, first) if first is not None else start
    delay = start - origin
    if not source.times:
        delay = math.ceil(delay * clip.fps) / clip.fps
    shift = delay - start
    end = source.end + shift if source.end is not None else None
    return Timeline(
        delay=delay,
        shift=shift,
        end=end,
        is_cut=source.begin is not None,
        begins=known.start or Fraction(0),
        may_jump=not known.format.startswith(_STEADY),
        continues=source.is_continued,
        picture=source.track.index if source.reads_picture else None,
        restarts=source.restarts,
    )


def pipe_input(
    clip: vs.VideoNode,
    first: vs.VideoFrame,
    times: tuple[Fraction, ...] | None,
    ends: Fraction | None = None,
    *,
    delay: Fraction = Fraction(0),
) -> PipeInput:
    """Prepare a clip's way into ffmpeg.

    Args:
        clip: The clip.
        first: Its first frame, whose properties say what the pipe cannot.
        times: When each frame is shown, in seconds on any clock; None for a constant rate.
        ends: When the last frame ends, on the same clock; None for a constant rate.
        delay: When the first is shown.

    Raises:
        InputError: No pipe can carry the clip.
    """
    options = (*frame_options(first.props), "-itsoffset", seconds(delay), "-i", "pipe:0")
    if times and ends is not None:
        matroska_writer.header(clip, first.props)
        shown = [time - times[0] for time in times]
        return PipeInput(
            options=("-f", "matroska", *options),
            frames=partial(matroska_writer.frame_buffers, clip, shown, ends - times[0]),
            last=(shown[-1], ends - times[-1]),
        )
    if "_Alpha" in first.props:
        # The rate that is given counts, not the times, which are rounded.
        matroska_writer.header(clip, first.props)
        shown = [number / clip.fps for number in range(clip.num_frames + 1)]
        return PipeInput(
            options=("-f", "matroska", "-r", f"{clip.fps.numerator}/{clip.fps.denominator}", *options),
            frames=partial(matroska_writer.frame_buffers, clip, shown[:-1], shown[-1]),
        )
    y4m_writer.header(clip, first.props)
    return PipeInput(options=("-f", "yuv4mpegpipe", *options), frames=partial(y4m_writer.frame_buffers, clip))


def clock_options(times: tuple[Fraction, ...] | None) -> tuple[str, ...]:
    """Options of an output into which a feed is encoded: every frame at its own time."""
    tick = matroska_writer.TICK
    clock = ("-enc_time_base:v", f"{tick.numerator}:{tick.denominator}") if times else ()
    return (*clock, "-fps_mode:v", "passthrough")


def order_options(times: Sequence[Fraction] | None, ends: Fraction | None) -> tuple[str, ...]:
    """Options of an encoder that keep frames in order if the last is shown for long.

    MP4 keeps how long each frame is decoded, not shown. With B-frames the last
    one shown is not the last decoded.

    Args:
        times: When each frame is shown, in seconds; None for a constant rate.
        ends: When the last frame ends.
    """
    if not times or ends is None:
        return ()
    step = usual_step(times)
    return ("-bf", "0") if step and ends - times[-1] > step * Fraction(3, 2) else ()


def last_duration_options(ffmpeg: Ffmpeg, muxer: str, feed: PipeInput, delay: Fraction) -> tuple[str, ...]:
    """Options of an output that keep the last frame's duration where ffmpeg loses it at the encoder.

    Args:
        ffmpeg: The ffmpeg that writes the output.
        muxer: The output's muxer.
        feed: The frames' way into it.
        delay: When the first is shown, in seconds.
    """
    if feed.last is None or ffmpeg.version >= _KEEPS_DURATIONS_SINCE:
        return ()
    shown, duration = feed.last
    tick = Fraction(1, 1000) if muxer in {"matroska", "webm"} else matroska_writer.TICK
    since, ticks = int((shown + delay) / tick) - 1, round(duration / tick)
    return ("-bsf:v:0", f"setts=pts=PTS:dts=DTS:duration='if(gte(PTS,{since}),{ticks},DURATION)'")


def seconds(time: Fraction) -> str:
    """A time as ffmpeg reads it, to the microsecond."""
    return f"{float(time):.6f}"
