"""Streams about to be upscaled."""

import io
from contextlib import closing

import pytest
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.streaming import y4m_pipe
from vs_espcn.streaming.frame_output import frames_in_order
from vs_espcn.streaming.frame_scheduler import LateAction
from vs_espcn.streaming.y4m_pipe import Y4mStream
from vs_espcn.streaming.y4m_reader import Y4mReader


def stream(
    rate: str,
    width: int,
    height: int,
    latency: int | None = None,
    *,
    lanes: int = 2,
    late: LateAction | None = "skip",
) -> Y4mStream:
    frame = b"FRAME\n" + bytes(width * height * 3 // 2)
    y4m = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip C420jpeg\n".encode() + frame
    reader = Y4mReader(io.BufferedReader(io.BytesIO(y4m)))  # type: ignore[arg-type]
    return Y4mStream(reader, vs.core.std.Invert, lanes=lanes, latency=latency, late=late)


def test_half_a_second_is_held_of_a_usual_stream() -> None:
    assert stream("60", 640, 360).latency == 30


def test_no_rate_that_a_header_announces_takes_memory_without_bound() -> None:
    held = stream("90000", 1920, 1080)
    assert held.latency * 1920 * 1080 * 3 // 2 <= 512 << 20


def test_a_latency_that_memory_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"latency is 1000 frames of 3037 KB; at most 172 are held at once"):
        stream("25", 1920, 1080, latency=1000)


def test_as_many_frames_are_held_as_keep_the_lanes_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One being read and one being written beside them, however large frames are."""
    assert stream("60", 64, 48, lanes=5, late=None).latency == 7
    monkeypatch.setattr(y4m_pipe, "_MOST_BYTES_HELD", 1000)
    assert stream("60", 64, 48, lanes=5).latency == 7
    assert stream("60", 64, 48, 7, lanes=5).latency == 7
    with pytest.raises(InputError, match=r"latency is 8 frames of 4 KB; at most 7 are held at once"):
        stream("60", 64, 48, 8, lanes=5)


def test_few_frames_are_asked_for_ahead() -> None:
    """They are held in memory, and may be large."""
    asked: set[int] = set()

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.add(n)
        return f

    blank = vs.core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=500)
    with closing(frames_in_order(vs.core.std.ModifyFrame(blank, blank, note))) as frames:
        for written in range(50):
            next(frames)
            assert len(asked) <= written + vs.core.num_threads + 3
