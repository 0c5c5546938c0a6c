"""ffmpeg as a child process: its input, progress, errors and end."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Self

from vs_espcn.errors import EncodeError
from vs_espcn.streaming.frame_output import write_all

if sys.platform == "linux":
    import fcntl

_log = logging.getLogger(__name__)

_GLOBAL_OPTIONS = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y"),
    *("-progress", "pipe:1"),
)

_PIPE_BYTES = 1 << 20

_SECONDS_OF_SILENCE = 60.0
"""If ffmpeg takes and encodes no frame for as long, it may hang; encoders are seldom that slow."""

_CONSEQUENCE = re.compile(
    r"Last message repeated|Task finished with error|Terminating thread|Error opening output file"
    r"|Nothing was written into output|Could not open encoder before EOF|Conversion failed|^\s*$"
)
"""Lines that follow from an error reported before."""

_INCOMPLETE = re.compile(r"Error writing trailer|Error closing file|Error (muxing|submitting) a packet")
"""Lines that mean an incomplete file, although older versions of ffmpeg exit with 0."""


def command_line(executable: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that an `FfmpegProcess` of the same arguments runs."""
    return [executable, *_GLOBAL_OPTIONS, *arguments]


class FfmpegProcess:
    """A running ffmpeg that reads a pipe.

    A context manager: ffmpeg is killed at its end if it still runs. Its stderr
    is read continuously, so that it cannot block on it. If it takes and encodes
    no frame for a minute, a warning is logged.

    Args:
        executable: Path of ffmpeg.
        arguments: Its inputs, of which one is ``pipe:0``, its output options
            and its output.
        folder: Its working folder; None for the current one.

    Raises:
        EncodeError: It could not be started.
    """

    def __init__(self, executable: str, arguments: Sequence[str], *, folder: Path | None = None) -> None:
        command = command_line(executable, arguments)
        try:
            self._process = _start(command, folder)
        except OSError as error:
            raise EncodeError(f"ffmpeg {executable!r} could not be started: {error.strerror}") from None
        self._input, output, errors = self._process.stdin, self._process.stdout, self._process.stderr
        assert self._input
        assert output
        assert errors
        self._offered = self._taken = self._frames = 0  # frames; the last are encoded
        self._ended = threading.Event()
        self._errors: deque[str] = deque(maxlen=50)
        self._readers = [
            threading.Thread(target=self._read_progress, args=(output,), daemon=True),
            threading.Thread(target=self._read_errors, args=(errors,), daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        _enlarge_pipe(self._input.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            _kill(self._process)
        self._wait()

    def feed(
        self,
        frames: Generator[Sequence[memoryview]],
        *,
        on_frame: Callable[[int], None] | None = None,
    ) -> None:
        """Write ffmpeg's input until it ends or ffmpeg exits.

        Args:
            frames: Buffers of each frame; its exceptions are passed on.
            on_frame: Called after each frame with the number of frames written.
        """
        assert self._input
        with closing(frames), suppress(BrokenPipeError):  # finish() tells why ffmpeg ended
            for number, buffers in enumerate(frames, start=1):
                self._offered = number
                write_all(self._input.fileno(), buffers)
                self._taken = number
                if on_frame:
                    on_frame(number)

    def finish(self, frames: int) -> None:
        """Close ffmpeg's input, wait until it exits, and check its result.

        Args:
            frames: Number of frames that must be in the file.

        Raises:
            EncodeError: It failed, or wrote another number of frames.
        """
        code = self._wait()
        if code or any(_INCOMPLETE.search(line) for line in self._errors):
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            done = f"{self._frames} of {frames} frames"
            raise EncodeError(f"ffmpeg failed ({how}) after {done}: {self._reason()}")
        if self._frames != frames:
            raise EncodeError(
                f"ffmpeg wrote {self._frames} of {frames} frames; "
                "leave out arguments that drop, repeat or cut frames"
            )

    def _wait(self) -> int:
        assert self._input
        self._offered += 1  # the end of the input; ffmpeg takes it by exiting
        self._input.close()
        code = self._process.wait()
        self._ended.set()
        for reader in self._readers:
            reader.join()
        return code

    def _reason(self) -> str:
        """Return ffmpeg's last errors, without addresses and without lines that follow from others."""
        lines = [re.sub(r"^(\[[^\]]* @ 0x[0-9a-f]+\] *)+", "", line) for line in self._errors]
        telling = list(dict.fromkeys(line.strip() for line in lines if not _CONSEQUENCE.search(line)))
        return "; ".join(telling[-4:]) or "it gave no reason"

    def _read_progress(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                if line.startswith(b"frame="):
                    self._frames = int(line[6:])

    def _watch(self) -> None:
        before = None
        while not self._ended.wait(_SECONDS_OF_SILENCE):
            now = (self._offered, self._taken, self._frames)
            if now == before and self._offered > self._taken:
                _log.warning(
                    "ffmpeg has neither taken nor encoded a frame for a minute; if it goes on, its encoder "
                    "hangs: stop with Ctrl-C and take another encoder, or another ffmpeg (IMAGEIO_FFMPEG_EXE)"
                )
                return
            before = now

    def _read_errors(self, errors: IO[bytes]) -> None:
        with errors:
            for line in errors:
                self._errors.append(line.decode(errors="replace"))


def _start(command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    """Start a process in its own group, so that Ctrl-C reaches only this process, which then ends it."""
    pipe = subprocess.PIPE
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, creationflags=group
        )
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, process_group=0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of `_start` and its children, such as what a package manager's shim starts."""
    if sys.platform == "win32":
        tree = ("taskkill", "/F", "/T", "/PID", str(process.pid))
        with suppress(OSError):
            subprocess.run(tree, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _enlarge_pipe(fd: int) -> None:
    """Enlarge a pipe to a third of a 1080p frame, where the system allows it."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
