import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clips import noise_clip
from tests.media import ffmpeg, raw_planes
from tests.programs import with_our_programs
from vs_espcn.errors import InputError
from vs_espcn.streaming import y4m_writer
from vs_espcn.streaming.frame_output import write_all

FORMATS = (vs.GRAY8, vs.YUV420P8, vs.YUV422P8, vs.YUV444P8)
DEEP_FORMATS = (vs.GRAY10, vs.GRAY12, vs.GRAY16, vs.YUV420P10, vs.YUV422P12, vs.YUV444P14, vs.YUV420P16)


@contextmanager
def reader(chunk: int = 1 << 16) -> Iterator[tuple[int, list[bytes]]]:
    """A pipe's end to write to, and what has been read from the other."""
    end, fd = os.pipe()
    read: list[bytes] = []

    def drain() -> None:
        while data := os.read(end, chunk):
            read.append(data)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield fd, read
    finally:
        os.close(fd)
        thread.join()
        os.close(end)


def write(clip: vs.VideoNode, fd: int) -> None:
    for buffers in y4m_writer.frame_buffers(clip):
        write_all(fd, buffers)


def written(clip: vs.VideoNode, chunk: int = 1 << 16) -> bytes:
    with reader(chunk) as (fd, read):
        write(clip, fd)
    return b"".join(read)


def header(video: vs.PresetVideoFormat = vs.YUV420P8, **props: int) -> str:
    clip = vs.core.std.BlankClip(width=64, height=48, format=video, length=1, fpsnum=30000, fpsden=1001)
    return y4m_writer.header(clip, props).decode()


def test_the_header_names_size_rate_and_what_is_known() -> None:
    assert header() == "YUV4MPEG2 W64 H48 F30000:1001 Ip A0:0 C420mpeg2\n"
    assert header(_SARNum=32, _SARDen=27) == "YUV4MPEG2 W64 H48 F30000:1001 Ip A32:27 C420mpeg2\n"


@pytest.mark.parametrize(
    ("video", "props", "space"),
    [
        (vs.GRAY8, {}, "Cmono"),
        (vs.YUV422P8, {}, "C422"),
        (vs.YUV444P8, {}, "C444"),
        (vs.YUV420P8, {"_ChromaLocation": vs.CHROMA_LEFT}, "C420mpeg2"),
        (vs.YUV420P8, {"_ChromaLocation": vs.CHROMA_CENTER}, "C420jpeg"),
        (vs.YUV420P8, {"_ChromaLocation": vs.CHROMA_TOP_LEFT}, "C420paldv"),
        (vs.YUV420P8, {"_ChromaLocation": vs.CHROMA_TOP}, "C420mpeg2"),
    ],
)
def test_the_header_names_format_and_siting(
    video: vs.PresetVideoFormat, props: dict[str, int], space: str
) -> None:
    assert header(video, **props).split()[-1] == space


@pytest.mark.parametrize(
    ("props", "range_"),
    [
        ({"_Range": vs.RANGE_LIMITED}, "LIMITED"),
        ({"_Range": vs.RANGE_FULL}, "FULL"),
        ({"_ColorRange": 1}, "LIMITED"),
        ({"_ColorRange": 0}, "FULL"),
        ({"_Range": vs.RANGE_FULL, "_ColorRange": 1}, "FULL"),
    ],
)
def test_the_header_names_the_range(props: dict[str, int], range_: str) -> None:
    assert header(**props).split()[-1] == f"XCOLORRANGE={range_}"


@pytest.mark.parametrize(("field", "letter"), [(0, "p"), (1, "b"), (2, "t")])
def test_the_header_names_the_field_order(field: int, letter: str) -> None:
    assert f" I{letter} " in header(_FieldBased=field)


@settings(max_examples=20, deadline=None)
@given(
    video=st.sampled_from(FORMATS + DEEP_FORMATS),
    width=st.integers(1, 40),
    height=st.integers(1, 20),
    length=st.integers(1, 9),
    chunk=st.sampled_from([77, 1 << 16]),
)
def test_any_clip_is_written_as_vapoursynth_writes_it(
    video: vs.PresetVideoFormat, width: int, height: int, length: int, chunk: int
) -> None:
    clip = noise_clip(video, 2 * width, 2 * height, length)
    expected = BytesIO()
    clip.output(expected, y4m=True)
    assert written(clip, chunk).partition(b"\n")[2] == expected.getvalue().partition(b"\n")[2]


def test_frames_larger_than_the_pipe_arrive_whole() -> None:
    clip = noise_clip(vs.YUV444P8, 720, 480, 3)
    assert written(clip).partition(b"\n")[2].replace(b"FRAME\n", b"") == raw_planes(clip)


SCRIPT = """
import vapoursynth as vs
clip = vs.core.std.BlankClip(width=100, height=62, format=vs.{name}, length=5, fpsnum=25, color={color})
clip.set_output()
"""


@pytest.mark.parametrize("video", FORMATS, ids=lambda video: video.name)
def test_vspipe_writes_the_same(video: vs.PresetVideoFormat, tmp_path: Path) -> None:
    script = tmp_path / "script.vpy"
    color = [77] if video == vs.GRAY8 else [77, 88, 99]
    script.write_text(SCRIPT.format(name=video.name, color=color))
    vspipe = Path(sys.executable).with_name("vspipe")
    command = [vspipe, "-c", "y4m", script, "-"]
    piped = subprocess.run(command, env=with_our_programs(), capture_output=True, check=True).stdout
    clip = vs.core.std.BlankClip(width=100, height=62, format=video, length=5, fpsnum=25, color=color)
    assert written(clip).partition(b"\n")[2] == piped.partition(b"\n")[2]


@pytest.mark.parametrize("video", FORMATS + DEEP_FORMATS, ids=lambda video: video.name)
def test_ffmpeg_reads_the_clip_back(video: vs.PresetVideoFormat) -> None:
    clip = noise_clip(video, 102, 66, 4, _Range=vs.RANGE_FULL)
    decoded = ffmpeg("-f", "yuv4mpegpipe", "-i", "pipe:0", "-f", "rawvideo", "-", stdin=written(clip))
    assert decoded == raw_planes(clip)


def test_the_header_comes_with_the_first_frame() -> None:
    parts = [
        b"".join(buffers).split(b"\n")[0]
        for buffers in y4m_writer.frame_buffers(noise_clip(vs.GRAY8, 16, 16, 3))
    ]
    assert [part.split()[0] for part in parts] == [b"YUV4MPEG2", b"FRAME", b"FRAME"]


def test_a_reader_that_leaves_is_a_broken_pipe() -> None:
    end, fd = os.pipe()
    os.close(end)
    try:
        with pytest.raises(BrokenPipeError):
            write(noise_clip(vs.GRAY8, 16, 16, 100), fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (lambda: vs.core.std.BlankClip(format=vs.YUV444PS), "YUV444PS.*convert it to GRAY or YUV"),
        (lambda: vs.core.std.BlankClip(format=vs.RGB24), "RGB24"),
        (lambda: vs.core.std.BlankClip(varsize=True, format=vs.GRAY8), "varies"),
        (lambda: vs.core.std.BlankClip(varformat=True), "varies"),
        (lambda: vs.core.std.BlankClip(format=vs.GRAY8, fpsnum=0, fpsden=1), "frame rate.*AssumeFPS"),
    ],
)
def test_what_y4m_cannot_carry_is_refused(clip: object, words: str) -> None:
    assert callable(clip)
    with reader() as (fd, read), pytest.raises(InputError, match=words):
        write(clip(), fd)
    assert not read
