"""Send small frames through `vs-espcn pipe`, and print its resident memory while it runs. Linux only.

python3 scripts/dev/bench_pipe_memory.py --frames 200000
python3 scripts/dev/bench_pipe_memory.py --frames 200000 --control

The control is a pipe made of VapourSynth's Python interface and Spline36, without code of vs_espcn.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

WIDTH, HEIGHT = 64, 48
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
AHEAD = 4
DIFFERENT = 64
"""Number of noise frames that are sent in turn."""


def feed(pipe: IO[bytes], frames: int) -> None:
    """Write a y4m stream."""
    noise = [b"FRAME\n" + os.urandom(FRAME_BYTES) for _ in range(DIFFERENT)]
    with suppress(BrokenPipeError), pipe:  # the reader reports the error
        pipe.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420\n".encode())
        for number in range(frames):
            pipe.write(noise[number % DIFFERENT])


def count(pipe: IO[bytes]) -> Iterator[int]:
    """Read a y4m stream, and yield each frame's number, from 1."""
    header = pipe.readline()
    width, height = (int(re.search(rb" %s(\d+)" % letter, header)[1]) for letter in (b"W", b"H"))
    number = 0
    while pipe.readline():
        if len(pipe.read(width * height * 3 // 2)) < width * height * 3 // 2:
            sys.exit("the stream ends in the middle of a frame")
        number += 1
        yield number


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def control() -> None:
    """Run the control's pipe, from stdin to stdout."""
    import numpy as np  # noqa: PLC0415 - only the control loads these
    import vapoursynth as vs  # noqa: PLC0415

    frames: dict[int, vs.VideoFrame] = {}
    blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=WIDTH, height=HEIGHT, length=1 << 30, keep=True)
    source = vs.core.std.ModifyFrame(blank, blank, lambda n, f: frames[n])  # noqa: ARG005 - VapourSynth's
    vs.core.std.SetVideoCache(source, mode=0)
    doubled = vs.core.resize.Spline36(source, width=2 * WIDTH, height=2 * HEIGHT)
    doubled = vs.core.std.ModifyFrame(doubled, doubled, lambda n, f: f.copy())  # noqa: ARG005
    sys.stdout.buffer.write(f"YUV4MPEG2 W{2 * WIDTH} H{2 * HEIGHT} F25:1 Ip A1:1 C420\n".encode())
    sys.stdin.buffer.readline()
    pending: deque[int] = deque()
    futures = {}

    def write() -> None:
        number = pending.popleft()
        frame = futures.pop(number).result()
        sys.stdout.buffer.write(b"FRAME\n" + b"".join(np.asarray(plane).tobytes() for plane in frame))
        del frames[number]

    number = 0
    while sys.stdin.buffer.readline():
        codes = np.frombuffer(sys.stdin.buffer.read(FRAME_BYTES), np.uint8)
        frame = vs.core.create_video_frame(vs.core.get_video_format(vs.YUV420P8), WIDTH, HEIGHT)
        start = 0
        for index in range(3):
            plane = np.asarray(frame[index])
            plane[:] = codes[start : start + plane.size].reshape(plane.shape)
            start += plane.size
        frames[number] = frame
        futures[number] = doubled.get_frame_async(number)
        pending.append(number)
        number += 1
        if len(pending) == AHEAD:
            write()
    while pending:
        write()


def main() -> None:
    """Print a line per ``--every`` frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--every", type=int, default=5000, help="frames from one line to the next")
    parser.add_argument("--control", action="store_true", help="measure the control")
    parser.add_argument("--as-control", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.as_control:
        control()
        return
    command = [sys.executable, "-m", "vs_espcn", "-q", "pipe", "--precision", "fp32"]
    if given.control:
        command = [sys.executable, __file__, "--as-control"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        threading.Thread(target=feed, args=(process.stdin, given.frames), daemon=True).start()
        for number in count(process.stdout):
            if number in {200, 1000} or number % given.every == 0:
                print(f"frame {number}: {resident_mb(process.pid):.1f} MB", flush=True)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
