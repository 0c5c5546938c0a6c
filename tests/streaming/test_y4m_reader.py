"""y4m as others write it, and as nobody should."""

import os
import threading
import time
from contextlib import suppress
from io import BytesIO

import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clips import noise_clip
from tests.media import ffmpeg, raw_planes
from vs_espcn.errors import InputError
from vs_espcn.streaming import y4m_writer
from vs_espcn.streaming.frame_output import write_all
from vs_espcn.streaming.y4m_reader import StoppableInput, Y4mReader

FFMPEG_WRITES = (
    *("gray", "gray9", "gray10", "gray12", "gray16", "yuv411p", "yuv420p", "yuvj420p", "yuv422p", "yuvj444p"),
    *(f"yuv{name}p{bits}" for name in (420, 422, 444) for bits in (9, 10, 12, 14, 16)),
    *("yuv444p", "yuva444p"),
)


def y4m_of_ffmpeg(pix_fmt: str, *options: str, frames: int = 3) -> tuple[bytes, bytes]:
    """A moving picture as y4m and as bare samples."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=48x32:r=25")
    common = (*source, "-frames:v", str(frames), "-pix_fmt", pix_fmt, *options)
    return (
        ffmpeg(*common, "-strict", "-1", "-f", "yuv4mpegpipe", "-"),
        ffmpeg(*common, "-f", "rawvideo", "-"),
    )


def samples(frame: vs.VideoFrame) -> bytes:
    alpha = [frame.props["_Alpha"][0]] if "_Alpha" in frame.props else []
    return b"".join(memoryview(plane).tobytes() for plane in [*frame, *alpha])


@pytest.mark.parametrize("pix_fmt", FFMPEG_WRITES)
def test_everything_that_ffmpeg_writes_is_read(pix_fmt: str) -> None:
    stream, expected = y4m_of_ffmpeg(pix_fmt)
    reader = Y4mReader(BytesIO(stream))
    assert b"".join(samples(frame) for frame in reader.frames()) == expected
    assert reader.header.frame_bytes == len(expected) // 3
    assert reader.header.fps == 25


@pytest.mark.parametrize(
    ("location", "value"),
    [("left", vs.CHROMA_LEFT), ("center", vs.CHROMA_CENTER), ("topleft", vs.CHROMA_TOP_LEFT)],
)
def test_the_siting_that_ffmpeg_writes_is_read(location: str, value: int) -> None:
    stream, _ = y4m_of_ffmpeg("yuv420p", "-chroma_sample_location", location)
    frame = next(Y4mReader(BytesIO(stream)).frames())
    assert frame.props["_ChromaLocation"] == value


BAD_HEADERS = {
    b"": "nothing came on stdin",
    b"\x1aE\xdf\xa3matroska": "is not y4m",
    b"YUV4MPEG2": "malformed",
    b"YUV4MPEG2 W48": "malformed",
    b"YUV4MPEG2 W0 H32": "W1 to W99999",
    b"YUV4MPEG2 W48 H-2": "malformed",
    b"YUV4MPEG2 W48 H32 H34": "each field once",
    b"YUV4MPEG2 W99999999999 H32": "malformed",
    b"YUV4MPEG2 W99998 H99998": "14304 MB each; at most 512 MB",
    b"YUV4MPEG2 W47 H32": "multiples of 2x2",
    b"YUV4MPEG2 W48 H32 C411 F1:0": "F24000:1001",
    b"YUV4MPEG2 W48 H32 A1:0": "A0:0 for unknown",
    b"YUV4MPEG2 W48 H32 C410": "C410 on stdin is not supported",
    b"YUV4MPEG2 W48 H32 Crgb": "Crgb on stdin is not supported",
    b"YUV4MPEG2 W48 H32 It": "It, top field first); deinterlace it",
    b"YUV4MPEG2 W48 H32 Ib": "bwdif",
    b"YUV4MPEG2 W48 H32 Im": "mixed",
    b"YUV4MPEG2 W48 H32 Ix": "Ix; accepted are Ip",
    b"YUV4MPEG2 W48 H32 Z1": "malformed",
    b"YUV4MPEG2 W48 H32 X\xff": "malformed",
    b"YUV4MPEG2 W48 H32 X" + b"a" * 300: "no end within 256 bytes",
}


@pytest.mark.parametrize("line", BAD_HEADERS, ids=range(len(BAD_HEADERS)))
def test_a_bad_header_is_refused(line: bytes) -> None:
    with pytest.raises(InputError, match="stdin") as caught:
        Y4mReader(BytesIO(line + b"\n" if line else b""))
    assert BAD_HEADERS[line] in str(caught.value)


def stream_of(frames: list[bytes], line: bytes = b"FRAME") -> bytes:
    return b"YUV4MPEG2 W4 H2 F25:1 Cmono\n" + b"".join(line + b"\n" + frame for frame in frames)


FRAMES = [bytes(range(8)), bytes(range(8, 16)), b"FRAME\nFR"]


def test_a_header_without_an_end_is_refused_at_once() -> None:
    stream = BytesIO(b"YUV4MPEG2 " + b"W1 " * 1_000_000)
    with pytest.raises(InputError, match="has no end within 256 bytes"):
        Y4mReader(stream)
    assert stream.tell() == 256


def test_a_stream_that_drips_is_read_whole() -> None:
    """One byte at a time, as from a program that does not buffer."""
    end, fd = os.pipe()
    data = stream_of(FRAMES)

    def drip() -> None:
        for byte in data:
            os.write(fd, bytes([byte]))
            time.sleep(0.0005)
        os.close(fd)

    thread = threading.Thread(target=drip)
    thread.start()
    frames = Y4mReader(StoppableInput(end).stream).frames()
    assert [samples(frame) for frame in frames] == FRAMES
    thread.join()
    os.close(end)


def test_parameters_of_frames_are_passed_over() -> None:
    reader = Y4mReader(BytesIO(stream_of(FRAMES, b"FRAME Ip Xany")))
    assert [samples(frame) for frame in reader.frames()] == FRAMES


@pytest.mark.parametrize("cut", range(len(stream_of([])) + 1, len(stream_of(FRAMES))))
def test_a_stream_cut_anywhere_keeps_its_whole_frames(cut: int) -> None:
    reader = Y4mReader(BytesIO(stream_of(FRAMES)[:cut]))
    whole, rest = divmod(cut - len(stream_of([])), len(stream_of(FRAMES[:1])) - len(stream_of([])))
    frames = reader.frames()
    for expected in FRAMES[:whole]:
        assert samples(next(frames)) == expected
    if rest:
        with pytest.raises(InputError, match=f"cut short: of frame {whole} came"):
            next(frames)
    else:
        assert next(frames, None) is None


@pytest.mark.parametrize("line", [b"GARBAGE", b"FRAMES", b"frame", b"", b"FRAME " + b"x" * 300])
def test_a_frame_that_does_not_begin_with_frame_is_damaged(line: bytes) -> None:
    with pytest.raises(InputError, match="is damaged: frame 0 begins with"):
        next(Y4mReader(BytesIO(stream_of(FRAMES, line))).frames())


def read_all(data: bytes) -> int:
    """Read what can be read; any other error than ours fails the test."""
    count = 0
    with suppress(InputError):
        for _ in Y4mReader(BytesIO(data)).frames():
            count += 1
    return count


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_an_error(data: bytes) -> None:
    assert read_all(data) == 0


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("WHFIACXYSCSSmono42p19: ?\xff", max_size=12), max_size=8), st.binary(max_size=64))
def test_garbage_behind_the_magic_word_is_an_error_or_a_stream(words: list[str], data: bytes) -> None:
    read_all(" ".join(["YUV4MPEG2", *words]).encode("latin-1") + b"\n" + data)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8 * len(stream_of(FRAMES)) - 1), st.sampled_from(["flip", "drop", "double"]))
def test_one_damaged_bit_or_byte_is_an_error_or_a_stream(bit: int, how: str) -> None:
    data = bytearray(stream_of(FRAMES))
    at = bit // 8
    if how == "flip":
        data[at] ^= 1 << bit % 8
    else:
        data[at : at + 1] = data[at : at + 1] * (2 if how == "double" else 0)
    assert read_all(bytes(data)) <= len(FRAMES) * 8


def test_a_waiting_read_is_ended() -> None:
    end, fd = os.pipe()
    os.write(fd, stream_of(FRAMES[:1]))
    stdin = StoppableInput(end)
    frames = Y4mReader(stdin.stream).frames()
    assert samples(next(frames)) == FRAMES[0]
    rest: list[object] = []
    thread = threading.Thread(target=lambda: rest.extend(frames))
    thread.start()
    stdin.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert rest == []
    os.close(fd)
    os.close(end)


def test_a_descriptor_that_cannot_be_read_is_named(tmp_path: object) -> None:
    fd = os.open(str(tmp_path), os.O_RDONLY)
    with pytest.raises(InputError, match="stdin cannot be read: Is a directory"):
        Y4mReader(StoppableInput(fd).stream)
    os.close(fd)


def test_a_clip_that_our_writer_writes_is_read() -> None:
    clip = noise_clip(vs.YUV420P10, 34, 18, 3, _SARNum=32, _SARDen=27, _Range=vs.RANGE_FULL)
    end, fd = os.pipe()
    for buffers in y4m_writer.frame_buffers(clip):
        write_all(fd, buffers)
    os.close(fd)
    reader = Y4mReader(StoppableInput(end).stream)
    frames = list(reader.frames())
    os.close(end)
    assert b"".join(samples(frame) for frame in frames) == raw_planes(clip)
    expected = {"_SARNum": 32, "_SARDen": 27, "_Range": vs.RANGE_FULL}
    assert {name: frames[0].props[name] for name in expected} == expected
