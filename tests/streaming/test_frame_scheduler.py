"""Frames that come one by one. No test here measures time: what comes when is decided by the tests."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from queue import Queue

import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import largest_difference, noise_clip
from vs_espcn.streaming.frame_scheduler import (
    FrameScheduler,
    FrameWindow,
    LateAction,
    LatePolicy,
    plain_resize,
)

PLAIN = 200
"""Added to a frame's number by the plain resizer of these tests."""


def numbered(number: int) -> vs.VideoFrame:
    """A frame whose samples are its number."""
    frame = vs.core.create_video_frame(vs.core.get_video_format(vs.GRAY8), 16, 16)
    np.asarray(frame[0])[:] = number
    return frame


def number_of(frame: vs.VideoFrame) -> int:
    return int(np.asarray(frame[0])[0, 0])


class Engine:
    """A clip whose frames are done when the test says so."""

    def __init__(self, source: vs.VideoNode, *, held: set[int]) -> None:
        self.gates = {number: threading.Event() for number in held}
        self.asked: Queue[int] = Queue()
        lanes = [
            vs.core.std.SelectEvery(source, 4, [first], modify_duration=False) for first in range(4)
        ]  # so that held frames don't hold up the others
        upscaled = [
            vs.core.std.ModifyFrame(lane, lane, lambda n, f, first=first: self._upscale(4 * n + first, f))
            for first, lane in enumerate(lanes)
        ]
        self.clip = vs.core.std.Interleave(upscaled, modify_duration=False)

    def _upscale(self, number: int, frame: vs.VideoFrame) -> vs.VideoFrame:
        self.asked.put(number)
        assert number_of(frame) == number
        if number in self.gates:
            assert self.gates[number].wait(60)
        return frame


class Run:
    """A stream in a thread; the test feeds it and sees what is written."""

    def __init__(
        self, *, latency: int, late: LateAction | None = None, slots: int = 1, held: set[int]
    ) -> None:
        vs.core.num_threads = max(vs.core.num_threads, 8)
        self.window = FrameWindow(numbered(0), (25, 1))
        self.engine = Engine(self.window.clip, held=held)
        plain = vs.core.std.Expr(self.window.clip, f"x {PLAIN} +")
        lateness = LatePolicy(what=late, slots=slots, plain=plain) if late else None
        self.stream = FrameScheduler(self.window, self.engine.clip, latency=latency, lateness=lateness)
        self.input: Queue[vs.VideoFrame | None] = Queue()
        self.written: Queue[int] = Queue()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        frames: Iterator[vs.VideoFrame] = iter(self.input.get, None)
        try:
            self.stream.run(
                frames,
                lambda frame: self.written.put(number_of(frame)),
                stop_reading=lambda: self.input.put(None),
            )
        except BaseException as error:
            self.error = error

    def feed(self, *numbers: int) -> None:
        for number in numbers:
            self.input.put(numbered(number))

    def wait_for(self, number: int) -> None:
        """Until a frame is in the works."""
        while number not in self.window._frames:
            time.sleep(0.001)

    def expect(self, *numbers: int) -> None:
        assert [self.written.get(timeout=60) for _ in numbers] == list(numbers)

    def end(self) -> None:
        self.input.put(None)
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.error is None
        assert self.written.empty()


def test_frames_leave_in_order_each_as_soon_as_it_can() -> None:
    run = Run(latency=4, held={0, 2})
    run.feed(0, 1, 2, 3)
    assert {run.engine.asked.get(timeout=60) for _ in range(4)} == {0, 1, 2, 3}
    assert run.written.empty()
    run.engine.gates[0].set()
    run.expect(0, 1)  # although no more input comes
    run.engine.gates[2].set()
    run.expect(2, 3)
    run.end()
    assert (run.stream.count.frames, run.stream.count.late) == (4, 0)


def test_no_more_than_latency_frames_are_in_the_works() -> None:
    run = Run(latency=2, held={0})
    run.feed(0, 1, 2, 3, 4, 5)
    assert {run.engine.asked.get(timeout=60) for _ in range(2)} == {0, 1}
    assert run.engine.asked.empty()
    run.engine.gates[0].set()
    run.expect(0, 1, 2, 3, 4, 5)
    run.end()


@pytest.mark.parametrize(("late", "second"), [("resize", PLAIN + 1), ("skip", PLAIN)])
def test_late_frames_are_replaced_and_none_is_lost(late: LateAction, second: int) -> None:
    """The engine hangs in frame 0; two frames of latency, one slot."""
    run = Run(latency=2, late=late, held={0})
    run.feed(0, 1)
    assert run.engine.asked.get(timeout=60) == 0
    assert run.written.empty()
    run.feed(2)
    run.expect(PLAIN)  # overdue; with nothing before it to repeat, it is resized in either case
    run.feed(3)
    run.expect(second)
    run.wait_for(3)
    run.engine.gates[0].set()  # its result comes too late to be used
    assert run.engine.asked.get(timeout=60) == 3  # the newest that waits
    assert run.engine.asked.get(timeout=60) == 2
    run.expect(2, 3)
    run.feed(4)
    run.expect(4)
    run.end()
    assert (run.stream.count.frames, run.stream.count.late) == (5, 2)


def test_skipping_repeats_the_frame_before() -> None:
    run = Run(latency=1, late="skip", held={1})
    run.feed(0)
    run.expect(0)
    run.feed(1)
    run.feed(2, 3)
    run.expect(0, 0)
    run.engine.gates[1].set()
    run.expect(3)
    run.end()
    assert (run.stream.count.frames, run.stream.count.late) == (4, 2)


def test_an_engine_that_keeps_up_is_never_late() -> None:
    run = Run(latency=3, late="resize", slots=2, held=set())
    for number in range(50):
        run.feed(number)
        run.expect(number)
    run.end()
    assert run.stream.count.late == 0


def test_the_end_is_waited_for_with_realtime_too() -> None:
    run = Run(latency=3, late="resize", held={0})
    run.feed(0, 1, 2)
    run.input.put(None)
    run.engine.gates[0].set()
    run.expect(0, 1, 2)
    run.end()
    assert run.stream.count.late == 0


def stream_of(frames: Iterator[vs.VideoFrame], upscaler: Callable[..., vs.VideoNode]) -> list[int]:
    window = FrameWindow(numbered(0), (25, 1))
    written: list[int] = []
    stream = FrameScheduler(window, upscaler(window.clip), latency=3)
    try:
        stream.run(frames, lambda frame: written.append(number_of(frame)), stop_reading=lambda: None)
    except InterruptedError:
        written.append(-1)
    return written


def test_an_error_of_the_input_comes_after_all_frames_before_it() -> None:
    def frames() -> Iterator[vs.VideoFrame]:
        yield from map(numbered, range(7))
        raise InterruptedError

    assert stream_of(frames(), lambda clip: clip) == [0, 1, 2, 3, 4, 5, 6, -1]


def test_an_error_of_the_filter_ends_the_run() -> None:
    def fail_at_5(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n == 5:
            raise ValueError("five")
        return f

    with pytest.raises(vs.Error, match="five"):
        stream_of(map(numbered, range(200)), lambda clip: vs.core.std.ModifyFrame(clip, clip, fail_at_5))


def test_an_error_of_the_output_ends_the_run_while_input_is_waited_for() -> None:
    window = FrameWindow(numbered(0), (25, 1))
    stop = threading.Event()

    def frames() -> Iterator[vs.VideoFrame]:
        yield numbered(0)
        assert stop.wait(60)

    def fail(_: vs.VideoFrame) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        FrameScheduler(window, window.clip, latency=2).run(frames(), fail, stop_reading=stop.set)


def test_frames_that_are_written_are_let_go() -> None:
    alive = 0

    class Counting:
        def __iter__(self) -> Iterator[vs.VideoFrame]:
            for number in range(100):
                nonlocal alive
                if number in {49, 99}:  # counting takes most of a second
                    gc.collect()
                    alive = max(alive, sum(type(each) is vs.VideoFrame for each in gc.get_objects()))
                yield numbered(number)

    gc.collect()
    before = sum(type(each) is vs.VideoFrame for each in gc.get_objects())
    assert stream_of(iter(Counting()), lambda clip: clip) == list(range(100))
    assert alive - before < 20


def test_the_plain_resizer_takes_alpha_along() -> None:
    clip = noise_clip(vs.YUV444P8, 32, 16, 2)
    alpha = noise_clip(vs.GRAY8, 32, 16, 2)
    resized = plain_resize(vs.core.std.ClipToProp(clip, alpha, "_Alpha"), 64, 32).get_frame(1)
    expected = vs.core.resize.Spline36(alpha, width=64, height=32).get_frame(1)
    assert largest_difference(np.asarray(resized.props["_Alpha"][0]), np.asarray(expected[0])) == 0
    assert resized.width == 64
