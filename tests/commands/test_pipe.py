"""``vs-espcn pipe`` between two files in this process, and as a process between two others."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest
import vapoursynth as vs

import vs_espcn
from tests.media import FFMPEG, decode, ffmpeg, raw_planes, shared_video
from vs_espcn import cli

PIPE = (sys.executable, "-m", "vs_espcn", "pipe")
HEADER = b"YUV4MPEG2 W32 H16 F25:1 Ip A1:1 Cmono XCOLORRANGE=FULL\n"
FRAME = b"FRAME\n" + bytes(range(256)) * 2
FRAME_OUT = 6 + 64 * 32


Pipe = Callable[..., tuple[bytes, list[str]]]


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Pipe:
    """The command in this process, between two files in place of pipes."""

    def main(data: bytes, *options: str, code: int = 0) -> tuple[bytes, list[str]]:
        monkeypatch.setattr(sys, "argv", ["vs-espcn", "pipe", *options])
        (tmp_path / "stdin").write_bytes(data)
        capfd.readouterr()
        with (tmp_path / "stdin").open("rb") as stdin, (tmp_path / "stdout").open("w+b") as stdout:
            with _descriptors({0: stdin.fileno(), 1: stdout.fileno()}):
                ended = _exit_code()
            errors = capfd.readouterr().err
            assert ended == code, errors
            stdout.seek(0)
            return stdout.read(), errors.splitlines()

    return main


@contextmanager
def _descriptors(replaced: dict[int, int]) -> Iterator[None]:
    """Put other files behind this process's descriptors; restore them and SIGPIPE at the end."""
    kept = {number: os.dup(number) for number in replaced}
    handler = signal.getsignal(signal.SIGPIPE)
    for number, other in replaced.items():
        os.dup2(other, number)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, handler)
        for number, original in kept.items():
            os.dup2(original, number)
            os.close(original)


def _exit_code() -> object:
    try:
        cli.main()
    except SystemExit as exit_:
        return exit_.code or 0
    return 0


def pipe_process(data: bytes, *options: str) -> bytes:
    """The command as a process between two pipes."""
    return subprocess.run([*PIPE, *options], input=data, capture_output=True, check=True, timeout=120).stdout


def y4m(pix_fmt: str, *options: object, frames: int = 3, size: str = "64x48") -> bytes:
    source = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25")
    return ffmpeg(
        *source,
        "-frames:v",
        frames,
        "-pix_fmt",
        pix_fmt,
        *options,
        "-strict",
        "-1",
        "-f",
        "yuv4mpegpipe",
        "-",
    )


def start(*options: str, stdin: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PIPE, *options], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# What comes out.


def test_a_network_is_chosen_for_the_stream(pipe: Pipe) -> None:
    stream = y4m("yuv420p")
    out, lines = pipe(stream, "--network", "auto", "--precision", "fp32")
    (chosen,) = (line for line in lines if ": network " in line)
    name = chosen.removeprefix("vs-espcn: network ").partition(": ")[0]
    assert out == pipe(stream, "--network", name, "--precision", "fp32")[0]
    assert "fps is -1.0" in pipe(stream, "--network", "auto", "--fps", "-1", code=1)[1][-1]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10", "gray16", "yuv411p", "yuva444p"])
def test_ffmpeg_in_ffmpeg_out(pix_fmt: str, tmp_path: Path, pipe: Pipe) -> None:
    """The frames are those of the filter on the same clip, opened as a file."""
    stream = y4m(pix_fmt, "-vf", "setsar=32/27")
    out, lines = pipe(stream, "--scale", "2", "--precision", "fp32")
    assert lines[-1].startswith("vs-espcn: 3 frames in ")
    header = stream.partition(b"\n")[0].replace(b"W64 H48", b"W128 H96")
    assert sorted(out.partition(b"\n")[0].split()) == sorted(header.split())
    ffmpeg("-i", "-", "-c:v", "ffv1", "-strict", "-1", tmp_path / "out.mkv", stdin=out)
    ffmpeg("-i", "-", "-c:v", "ffv1", "-strict", "-1", tmp_path / "in.mkv", stdin=stream)
    range_ = "full" if pix_fmt.startswith("gray") else None  # as ffmpeg takes it and says it in y4m
    clip = decode(tmp_path / "in.mkv")
    expected = vs_espcn.upscale(clip, 2, backend=vs_espcn.OpenVINO(precision="fp32"), range=range_)
    result = decode(tmp_path / "out.mkv")
    assert result.num_frames == 3
    assert raw_planes(result) == raw_planes(expected)
    if pix_fmt == "yuva444p":
        alpha = [raw_planes(vs.core.std.PropToClip(each, "_Alpha")) for each in (result, expected)]
        assert alpha[0] == alpha[1]
    props = result.get_frame(0).props
    assert (props["_SARNum"], props["_SARDen"]) == (32, 27)


def test_a_size_and_a_range_may_be_chosen(tmp_path: Path, pipe: Pipe) -> None:
    stream = y4m("yuv420p", "-chroma_sample_location", "left", frames=1)
    options = ("--range", "full", "--chroma", "bicubic", "--precision", "fp32")
    out, _ = pipe(stream, "--width", "128", "--height", "144", *options)
    header, _, frame = out.partition(b"\n")
    for field in (b" W128 H144 ", b" A3:2 ", b" C420mpeg2 ", b"XCOLORRANGE=FULL"):
        assert field in header
    ffmpeg("-i", "-", "-c:v", "ffv1", tmp_path / "in.mkv", stdin=stream)
    expected = vs_espcn.upscale(
        decode(tmp_path / "in.mkv"),
        width=128,
        height=144,
        range="full",
        chroma="bicubic",
        backend=vs_espcn.OpenVINO(precision="fp32"),
    )
    assert frame.removeprefix(b"FRAME\n") == raw_planes(expected)


def test_late_frames_are_reported(pipe: Pipe) -> None:
    """However many are late on this machine, none is missing."""
    out, lines = pipe(y4m("yuv420p", frames=60), "--realtime", "resize", "--latency", "2")
    assert len(out.partition(b"\n")[2]) == 60 * (6 + 128 * 96 * 3 // 2)
    assert re.fullmatch(
        r"vs-espcn: 60 frames in .*; \d+ of them came too fast and were resized plainly", lines[-1]
    )


def test_a_live_stream_is_answered_frame_by_frame() -> None:
    """Each frame comes out before the next goes in."""
    with start("--latency", "4") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(HEADER)
        for number in range(5):
            process.stdin.write(FRAME)
            process.stdin.flush()
            if not number:
                assert process.stdout.readline().startswith(b"YUV4MPEG2 W64 H32 ")
            assert len(process.stdout.read(FRAME_OUT)) == FRAME_OUT
        process.stdin.close()
        assert process.wait(60) == 0


def test_the_real_clip(tmp_path: Path) -> None:
    source = shared_video("natural_540p_flower.mp4")
    stream = ffmpeg("-i", source, "-frames:v", "3", "-f", "yuv4mpegpipe", "-")
    out = pipe_process(stream)
    expected = vs_espcn.upscale(decode(source)[:3], 2)
    ffmpeg("-i", "-", "-c:v", "ffv1", tmp_path / "out.mkv", stdin=out)
    assert raw_planes(decode(tmp_path / "out.mkv")) == raw_planes(expected)


# Nothing but video on stdout.

NOISY = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
def printf(text):
    libc.puts(text)
    libc.fflush(None)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("openvino", "vapoursynth", "vs_espcn.filter.upscale"):
            printf(b"noise in C")
            print("noise in Python")
            os.system("echo noise of a child")
sys.meta_path.insert(0, Finder())
from vs_espcn.cli import main
sys.argv = ["vs-espcn", "pipe"]
main()
"""


def test_what_libraries_print_goes_to_stderr() -> None:
    command = [sys.executable, "-c", NOISY]
    done = subprocess.run(command, input=HEADER + FRAME, capture_output=True, check=True, timeout=120)
    assert done.stdout.startswith(b"YUV4MPEG2 ")
    assert len(done.stdout.partition(b"\n")[2]) == FRAME_OUT
    for noise in (b"noise in C", b"noise in Python", b"noise of a child"):
        assert done.stderr.count(noise) == 3


def test_the_filter_prints_nothing() -> None:
    code = (
        "import openvino, vapoursynth as vs, vs_espcn\n"
        "vs_espcn.upscale(vs.core.std.BlankClip(format=vs.GRAY8, width=32, height=16)).get_frame(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=120)
    assert done.stdout == b""


def shell(command: str) -> subprocess.CompletedProcess[str]:
    text = command.replace("@", " ".join(PIPE))
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("@ < /dev/null", "nothing came on stdin; did the command before the pipe fail?"),
        ("@ <&- | cat", "stdin is closed"),
        ("@ >&- < /dev/zero", "stdout is closed"),
        ("@ < /dev/zero", "is not y4m: it begins with b'\\x00"),
    ],
)
def test_what_no_pipe_is_connected_to(command: str, words: str) -> None:
    done = shell(f"set -o pipefail; {command}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize("end", [0, 1])
def test_a_terminal_is_no_pipe(end: int) -> None:
    terminal, fd = pty.openpty()
    ends: list[int] = [subprocess.DEVNULL, subprocess.DEVNULL]
    ends[end] = fd
    command = subprocess.run(
        PIPE, stdin=ends[0], stdout=ends[1], stderr=subprocess.PIPE, check=False, timeout=120
    )
    os.close(fd)
    os.close(terminal)
    assert command.returncode == 1
    assert b"is a terminal" in command.stderr
    assert b"ffmpeg -i" in command.stderr


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            PIPE, input=HEADER + FRAME, stdout=full, stderr=subprocess.PIPE, check=False, timeout=120
        )
    assert done.returncode == 1
    assert b"vs-espcn: error: stdout cannot be written: No space left on device" in done.stderr


# Bad streams.


def corpus() -> dict[str, tuple[bytes, str, int]]:
    """Streams, words of the error, and the whole frames that come out before it."""
    deep = HEADER.replace(b"Cmono", b"Cmono10")
    return {
        "header alone": (HEADER, "has no frames", 0),
        "cut in a frame": (HEADER + FRAME * 3 + FRAME[:100], "of frame 3 came 94 of 512 bytes", 3),
        "cut in the line": (HEADER + FRAME * 2 + b"FRA", "of frame 2 came 0 of 512 bytes", 2),
        "garbage after frames": (HEADER + FRAME * 2 + bytes(range(256)), "frame 2 begins with", 2),
        "one byte too many": (HEADER + FRAME + b"x" + FRAME, "frame 1 begins with b'xFRAME", 1),
        "one byte missing": (HEADER + FRAME[:-1] + FRAME, "frame 1 begins with b'RAME", 1),
        "interlaced": (HEADER.replace(b"Ip", b"It") + FRAME, "deinterlace it", 0),
        "frames of 400 MB": (
            HEADER.replace(b"W32 H16", b"W19999 H20000") + FRAME,
            "came 512 of 399980000",
            0,
        ),
        "frames of 14 GB": (HEADER.replace(b"W32 H16", b"W99999 H99999") + FRAME, "at most 512 MB", 0),
        "samples beyond 10 bits": (deep + (FRAME + b"\xff" * 512) * 2, "", 2),
    }


@pytest.mark.parametrize("case", corpus())
def test_bad_streams(case: str, pipe: Pipe) -> None:
    data, words, frames = corpus()[case]
    out, lines = pipe(data, code=1 if words else 0)
    assert words in lines[-1]
    size = FRAME_OUT if "beyond" not in case else 6 + 2 * 64 * 32
    assert len(out.partition(b"\n")[2]) == frames * size


# Ends.


def test_when_the_reader_leaves_it_ends_like_cat() -> None:
    done = shell(
        f"set -o pipefail; {FFMPEG} -v quiet -f lavfi -i testsrc2=s=64x48 -f yuv4mpegpipe - 2>/dev/null"
        " | @ --backend openvino | head -c 100000 | wc -c; echo ${PIPESTATUS[1]}"
    )
    assert done.stdout.split() == ["100000", str(128 + signal.SIGPIPE)]
    assert all(line.startswith("vs-espcn: network ") for line in done.stderr.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["starting", "waiting for input", "in the works", "output is full"])
def test_signals_at_any_moment(number: signal.Signals, moment: str) -> None:
    with start() as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        if moment != "starting":
            process.stdin.write(HEADER + FRAME)
            process.stdin.flush()
            process.stdout.read(100)
        if moment in {"in the works", "output is full"}:
            feeder = threading.Thread(target=_feed_forever, args=(process.stdin,), daemon=True)
            feeder.start()
        if moment == "in the works":
            process.stdout.read(FRAME_OUT * 20)
        if moment == "output is full":
            _wait_until_blocked(process.pid)
        process.send_signal(number)
        code = process.wait(60)
        assert code in {-number, 128 + number}
        assert b"Traceback" not in process.stderr.read() or moment == "starting"
        if moment in {"in the works", "output is full"}:
            feeder.join(60)


def _feed_forever(stdin: IO[bytes]) -> None:
    try:
        while True:
            os.write(stdin.fileno(), FRAME)
    except BrokenPipeError:
        pass


def _wait_until_blocked(pid: int) -> None:
    """Until the process writes no more for a while."""
    before = -1
    while (now := _bytes_written(pid)) != before:
        before = now
        time.sleep(0.5)


def _bytes_written(pid: int) -> int:
    found = re.search(r"wchar: (\d+)", Path(f"/proc/{pid}/io").read_text())
    assert found
    return int(found[1])


def test_memory_is_bounded_whatever_the_header_says() -> None:
    """The largest header that is accepted, without the frames that it announces."""
    data = b"YUV4MPEG2 W13368 H13368 F25:1 Ip A1:1 C444\n" + FRAME
    small = _peak_memory(HEADER + FRAME)
    assert _peak_memory(data) < small + 100 * 1024


@pytest.mark.slow
def test_a_reader_that_stalls_holds_up_the_feeder_and_takes_no_memory() -> None:
    """Half a gigabyte would come in at once otherwise."""
    with start("--latency", "8") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(HEADER + FRAME)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.read(FRAME_OUT)
        fed: list[int] = []

        def feed(stdin: int) -> None:
            with suppress(BrokenPipeError):
                for _ in range(1 << 20):
                    fed.append(os.write(stdin, FRAME))

        feeder = threading.Thread(target=feed, args=(process.stdin.fileno(),), daemon=True)
        feeder.start()
        _wait_until_blocked(process.pid)
        count, memory = len(fed), _resident_kb(process.pid)
        time.sleep(2)
        assert len(fed) == count
        assert count * len(FRAME) < 1 << 20, "what both pipes, a buffer and 8 frames hold"
        assert _resident_kb(process.pid) < memory + 4 * 1024
        assert len(process.stdout.read(FRAME_OUT * 2000)) == FRAME_OUT * 2000, "it goes on"
        process.kill()
        feeder.join(60)


def _peak_memory(data: bytes) -> int:
    """Of the command, in KB."""
    code = (
        "import resource, subprocess, sys\n"
        f"subprocess.run({PIPE!r}, input=sys.stdin.buffer.read(), stdout=subprocess.DEVNULL, check=False)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.slow
def test_memory_stays_flat() -> None:
    """Over 30,000 frames, after the first 500."""
    with start() as process:
        assert process.stdin
        assert process.stdout
        feeder = threading.Thread(target=_feed, args=(process.stdin, 30_000), daemon=True)
        feeder.start()
        process.stdout.readline()
        sizes = []
        for number in range(1, 30_001):
            process.stdout.read(FRAME_OUT)
            if number in {500, 29_990}:
                sizes.append(_resident_kb(process.pid))
        assert process.wait(60) == 0
        feeder.join()
    assert sizes[1] < sizes[0] + 8 * 1024


def _feed(stdin: IO[bytes], frames: int) -> None:
    stdin.write(HEADER)
    for _ in range(frames):
        stdin.write(FRAME)
    stdin.close()


def _resident_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
