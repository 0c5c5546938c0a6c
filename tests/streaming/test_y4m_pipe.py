"""Streams about to be upscaled."""

import io

import pytest
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.streaming.y4m_pipe import Y4mStream
from vs_espcn.streaming.y4m_reader import Y4mReader


def stream(rate: str, width: int, height: int, latency: int | None = None) -> Y4mStream:
    frame = b"FRAME\n" + bytes(width * height * 3 // 2)
    y4m = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip C420jpeg\n".encode() + frame
    reader = Y4mReader(io.BufferedReader(io.BytesIO(y4m)))  # type: ignore[arg-type]
    return Y4mStream(reader, vs.core.std.Invert, lanes=2, latency=latency, late="skip")


def test_half_a_second_is_held_of_a_usual_stream() -> None:
    assert stream("60", 640, 360).latency == 30


def test_no_rate_that_a_header_announces_takes_memory_without_bound() -> None:
    held = stream("90000", 1920, 1080)
    assert held.latency * 1920 * 1080 * 3 // 2 <= 512 << 20


def test_a_latency_that_memory_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"latency is 1000 frames of 3037 KB; at most 172 are held at once"):
        stream("25", 1920, 1080, latency=1000)
