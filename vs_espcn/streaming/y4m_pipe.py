"""Upscaling of a y4m stream, from its reader through the filter to a descriptor."""

from collections.abc import Callable
from contextlib import closing
from itertools import chain

import vapoursynth as vs

from vs_espcn.errors import BackendError, InputError
from vs_espcn.filter.vs_errors import last_line
from vs_espcn.streaming import y4m_writer
from vs_espcn.streaming.frame_output import packed, write_all
from vs_espcn.streaming.frame_scheduler import (
    FrameCount,
    FrameScheduler,
    FrameWindow,
    LateAction,
    LatePolicy,
    plain_resize,
)
from vs_espcn.streaming.y4m_header import Y4mHeader
from vs_espcn.streaming.y4m_reader import Y4mReader

_AHEAD = 2
"""Frames in progress beyond one per lane: one being read, one being written."""

_SECONDS_UNTIL_LATE = 0.5

_MOST_BYTES_HELD = 512 << 20
"""Most bytes of source frames in progress, whatever rate the header announces."""

_SPARE_THREADS = 2
"""VapourSynth threads that resize late frames while all others wait for the engine."""


class Y4mStream:
    """A stream that is ready to be upscaled.

    Attributes:
        count: Frames written so far.
        latency: Frames in progress at once.
    """

    def __init__(
        self,
        reader: Y4mReader,
        upscaler: Callable[[vs.VideoNode], vs.VideoNode],
        *,
        lanes: int,
        latency: int | None = None,
        late: LateAction | None = None,
    ) -> None:
        """Read the first frame and open the engine.

        Args:
            reader: The stream, its header read.
            upscaler: Called once, with a clip that represents the stream. Each
                frame of the clip that it returns depends on the same frame alone.
            lanes: Frames that the engine works on at once.
            latency: Frames in progress at once; None is the fewest that keep the
                engine busy, and with `late` half a second of frames.
            late: What is written for frames that arrive faster than they are
                upscaled; None blocks the input instead.

        Raises:
            InputError: The stream has no frame, or cannot be upscaled.
        """
        self._header = reader.header
        self._input = reader.frames()
        first = next(self._input, None)
        if first is None:
            raise InputError("the y4m stream on stdin has no frames; did the command before the pipe fail?")
        self._first = first
        fps = self._header.fps
        window = FrameWindow(first, (fps.numerator, fps.denominator))
        try:
            upscaled = upscaler(window.clip)
        except vs.Error as error:
            raise InputError(last_line(error)) from None
        affordable = _MOST_BYTES_HELD // self._header.frame_bytes
        if latency and latency > max(affordable, lanes + _AHEAD):
            raise InputError(
                f"latency is {latency} frames of {self._header.frame_bytes >> 10} KB; "
                f"at most {max(affordable, lanes + _AHEAD)} are held at once"
            )
        lateness = None
        if late:
            vs.core.num_threads += _SPARE_THREADS
            plain = plain_resize(window.clip, upscaled.width, upscaled.height)
            lateness = LatePolicy(what=late, slots=lanes, plain=plain)
        automatic = max(lanes + _AHEAD, min(round(_SECONDS_UNTIL_LATE * fps), affordable) if late else 0)
        self.latency = latency or automatic
        self._stream = FrameScheduler(window, upscaled, latency=self.latency, lateness=lateness)
        self.count: FrameCount = self._stream.count

    def write(
        self, fd: int, *, stop_reading: Callable[[], None], on_frame: Callable[[], None] | None = None
    ) -> None:
        """Write the upscaled stream.

        Args:
            fd: Open, blocking file descriptor; stays open.
            stop_reading: Called at the end; ends a pending read of the input.
            on_frame: Called before each frame is written.

        Raises:
            InputError: The stream is damaged or ends in the middle of a frame;
                all whole frames have been written then.
            BackendError: A frame could not be upscaled.
            OSError: The descriptor cannot be written.
        """

        def write(frame: vs.VideoFrame) -> None:
            if on_frame:
                on_frame()
            start = [] if self.count.frames else [memoryview(_resized_header(self._header, frame))]
            write_all(fd, [*start, *_parts(frame, alpha=self._header.alpha)])

        try:
            with closing(self._input):
                self._stream.run(chain([self._first], self._input), write, stop_reading=stop_reading)
        except vs.Error as error:
            raise BackendError(f"a frame could not be made: {last_line(error)}") from None


def _resized_header(header: Y4mHeader, frame: vs.VideoFrame) -> bytes:
    aspect = (frame.props.get("_SARNum", 0), frame.props.get("_SARDen", 0))
    return header.resized(frame.width, frame.height, aspect)


def _parts(frame: vs.VideoFrame, *, alpha: bool) -> list[memoryview]:
    parts = y4m_writer.frame_parts(frame)
    return [*parts, packed(frame.props["_Alpha"][0])] if alpha else parts
