"""Scheduling of a stream of unknown length through a clip, with its frames in order.

VapourSynth requests frames from a filter; a stream delivers them at its own
pace. A clip of practically endless length therefore represents the stream, and
its frame n is requested only when the stream's frame n has arrived: no thread
of VapourSynth's ever waits for input. One thread reads. The caller's thread
writes, and handles the events of the reader and of finished frames.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Literal

import vapoursynth as vs

ENDLESS = 1 << 30
"""Frames of a clip that represents a stream: 207 days at 60 fps."""

LateAction = Literal["resize", "skip"]
"""What is written for a late frame: the frame by a plain resizer, or the previous one again."""


class FrameWindow:
    """The frames of a stream that are in progress, as a clip.

    Attributes:
        clip: The stream's format, size and rate, `ENDLESS` frames long. A frame
            may be requested between `put` and `drop`, any number of times.
    """

    def __init__(self, first: vs.VideoFrame, fps: tuple[int, int]) -> None:
        """Start with one frame, which a filter may request before the stream continues.

        Args:
            first: Frame 0; all others have the same format and size.
            fps: Frames per second, as numerator and denominator.
        """
        self._frames: dict[int, vs.VideoFrame] = {0: first}
        blank = vs.core.std.BlankClip(
            format=first.format.id,
            width=first.width,
            height=first.height,
            length=ENDLESS,
            fpsnum=fps[0],
            fpsden=fps[1],
            keep=True,
        )
        self.clip = vs.core.std.ModifyFrame(blank, blank, lambda n, f: self._frames[n])  # noqa: ARG005 - VapourSynth's
        vs.core.std.SetVideoCache(self.clip, mode=0)

    def put(self, number: int, frame: vs.VideoFrame) -> None:
        """Add the next frame."""
        self._frames[number] = frame

    def drop(self, number: int) -> None:
        """Release a frame that is no longer needed."""
        del self._frames[number]


@dataclass(frozen=True, kw_only=True)
class LatePolicy:
    """What to do when frames come faster than they are upscaled.

    Attributes:
        what: What is written for late frames.
        slots: Frames that are upscaled at once; a frame that has no slot
            by the time it is due is late.
        plain: The stream at the result's size by a plain resizer.
    """

    what: LateAction
    slots: int
    plain: vs.VideoNode


@dataclass
class FrameCount:
    """Frames that were written.

    Attributes:
        frames: Their number.
        late: Those of them that were late, and not upscaled.
    """

    frames: int = 0
    late: int = 0


@dataclass(frozen=True)
class _Arrived:
    """The reader has read a frame."""

    number: int
    frame: vs.VideoFrame


@dataclass(frozen=True)
class _Full:
    """The reader has read a frame for which there is no room."""


@dataclass(frozen=True)
class _Finished:
    """VapourSynth has made a frame, or failed to."""

    number: int


@dataclass(frozen=True)
class _Ended:
    """The reader has come to the end of the stream, or failed."""

    error: BaseException | None


_Event = _Arrived | _Full | _Finished | _Ended


@dataclass(eq=False)
class _Pending:
    """A frame that has arrived and is not written yet; requested once it has a future."""

    number: int
    future: Future[vs.VideoFrame] | None = None
    overdue: bool = False


class FrameScheduler:
    """One run of a stream through a clip.

    At most `latency` frames are in progress. Without `lateness` the reader waits
    for room, and so does the program that feeds it. With `lateness`, when
    `latency` frames are in progress and another arrives, the oldest is written
    without the network.
    Of frames that wait for a slot, the newest gets it, since it has most time left.

    Attributes:
        count: Frames written so far.
    """

    def __init__(
        self, window: FrameWindow, upscaled: vs.VideoNode, *, latency: int, lateness: LatePolicy | None = None
    ) -> None:
        """Prepare a run; nothing starts yet.

        Args:
            window: The stream's frames; holds frame 0.
            upscaled: Its frame n is made of the window's frame n alone.
            latency: Frames in progress at once, at least 1.
            lateness: What to do with late frames; None never lets a frame be late.
        """
        self.count = FrameCount()
        self._window = window
        self._upscaled = upscaled
        self._latency = latency
        self._lateness = lateness
        self._slots = lateness.slots if lateness else latency
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._room = threading.Semaphore(latency)
        self._pending: deque[_Pending] = deque()
        self._running: dict[int, Future[vs.VideoFrame]] = {}
        self._last: vs.VideoFrame | None = None
        self._ended = self._stopped = False
        self._error: BaseException | None = None

    def run(
        self,
        frames: Iterable[vs.VideoFrame],
        write: Callable[[vs.VideoFrame], None],
        *,
        stop_reading: Callable[[], None],
    ) -> None:
        """Write all frames, in order.

        Args:
            frames: The stream from frame 0 on; read in a thread of its own.
            write: Writes a frame, which is valid until the next call.
            stop_reading: Called at the end; makes `frames` end at once if it waits for input.

        Raises:
            BaseException: What `frames` raised, once all frames before it are
                written; what `write` raised.
            vs.Error: A frame could not be made.
        """
        reader = threading.Thread(target=self._read, args=(frames,), daemon=True)
        reader.start()
        try:
            while self._pending or not self._ended:
                self._handle(self._events.get())
                self._ask()
                self._write_what_is_ready(write)
        finally:
            self._stopped = True
            self._room.release()
            stop_reading()
            reader.join()
            wait(self._running.values())  # exiting while VapourSynth's threads run can hang
        if self._error:
            raise self._error

    def _read(self, frames: Iterable[vs.VideoFrame]) -> None:
        """Read all frames; runs in the reader's thread."""
        error: BaseException | None = None
        try:
            for number, frame in enumerate(frames):
                if not self._room.acquire(blocking=False):
                    self._events.put(_Full())
                    self._room.acquire()
                if self._stopped:
                    return
                self._events.put(_Arrived(number, frame))
        except BaseException as raised:  # run() passes it on
            error = raised
        self._events.put(_Ended(error))

    def _handle(self, event: _Event) -> None:
        match event:
            case _Arrived(number, frame):
                self._window.put(number, frame)
                self._pending.append(_Pending(number))
            case _Full():
                # Unless a frame has left since the reader looked.
                if self._lateness and len(self._pending) == self._latency:
                    self._pending[0].overdue = True
            case _Finished(number):
                self._running.pop(number).result()
                if not self._pending or number < self._pending[0].number:
                    self._window.drop(number)  # already written, as late
            case _Ended(error):
                self._ended, self._error = True, error

    def _ask(self) -> None:
        """Request frames until all slots are taken."""
        waiting = [each for each in self._pending if each.future is None and not each.overdue]
        while waiting and len(self._running) < self._slots:
            newest = waiting.pop()
            number = newest.number
            newest.future = self._running[number] = self._upscaled.get_frame_async(number)
            newest.future.add_done_callback(partial(self._post, _Finished(number)))

    def _post(self, event: _Event, _: object) -> None:
        """Post an event; runs in one of VapourSynth's threads."""
        self._events.put(event)

    def _write_what_is_ready(self, write: Callable[[vs.VideoFrame], None]) -> None:
        while self._pending and (frame := self._ready(self._pending[0])) is not None:
            write(frame)
            self.count.frames += 1
            self._last = frame
            number = self._pending.popleft().number
            if number not in self._running:
                self._window.drop(number)
            self._room.release()

    def _ready(self, oldest: _Pending) -> vs.VideoFrame | None:
        if oldest.future and oldest.future.done():
            return oldest.future.result()
        if not oldest.overdue:
            return None
        assert self._lateness
        self.count.late += 1
        if self._lateness.what == "skip" and self._last is not None:
            return self._last
        return self._lateness.plain.get_frame_async(oldest.number).result()


def plain_resize(clip: vs.VideoNode, width: int, height: int) -> vs.VideoNode:
    """Resize the whole clip, alpha included, by a resizer that is fast enough for any stream."""
    resized = vs.core.resize.Spline36(clip, width=width, height=height)
    if "_Alpha" not in clip.get_frame(0).props:
        return resized
    alpha = vs.core.resize.Spline36(vs.core.std.PropToClip(clip, "_Alpha"), width=width, height=height)
    return vs.core.std.ClipToProp(resized, alpha, "_Alpha")
