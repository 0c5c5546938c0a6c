"""Progress, signals and standard output of the commands."""

import codecs
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vs_espcn import logs
from vs_espcn.errors import InputError

Handler = Callable[[int, FrameType | None], None] | signal.Handlers

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Signals that end a command; Windows has SIGBREAK in place of SIGHUP."""

_SECONDS_PER_LINE = 10.0


@contextmanager
def exit_in_order() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C, SIGTERM and SIGHUP (on Windows SIGBREAK) unwind the stack and exit with 128 + their number.

    A signal that is ignored, as under nohup, stays ignored.

    Yields:
        A function that exits if a signal has come, to be called regularly:
        Python drops the exit that a signal handler raises while a finalizer
        or a weak reference's callback runs.
    """
    caught: list[int] = []

    def leave() -> None:
        if caught:
            raise SystemExit(128 + caught[0])

    def handle(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        leave()

    report = sys.unraisablehook
    sys.unraisablehook = lambda dropped: (
        None if caught and dropped.exc_type is SystemExit else report(dropped)
    )
    try:
        with _handled_by(handle):
            yield leave
    finally:
        sys.unraisablehook = report


@contextmanager
def exit_at_once() -> Iterator[None]:
    """Let the same signals end the process at once.

    For work that leaves nothing behind and that Python cannot interrupt, or
    whose libraries would report the interruption as an error.
    """
    with _handled_by(signal.SIG_DFL):
        yield


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, old in before.items():
        if old != signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def ignore_signals() -> None:
    """Ignore signals from now on.

    Call it when the output is written: libraries take a moment to unload, and
    a signal then would make a finished encode look interrupted.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def reserve_stdout(*, for_video: bool = True) -> int:
    """Reserve stdout for the command's output.

    Descriptor 1 becomes stderr, so that nothing printed by Python, a C library
    or a child process gets between the frames. Call it before loading such
    libraries.

    Args:
        for_video: True to write video, for which a terminal is refused.

    Returns:
        A descriptor of the original stdout; child processes don't inherit it.

    Raises:
        InputError: stdout is closed, or `for_video` and a terminal.
    """
    try:
        video = _duplicate(1)
    except OSError:
        raise InputError(
            "stdout is closed; the result goes there: pipe it on, or into a file with >"
        ) from None
    if for_video and os.isatty(video):
        raise InputError(
            "stdout is a terminal; video goes there: pipe it on, for example with | ffmpeg -i - OUTPUT, "
            "or into a file with >"
        )
    binary(video)
    sys.stdout.flush()
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed: discard its output
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), 1)
    return video


def binary(fd: int) -> int:
    """Turn off Windows' translation of line ends on a descriptor; return it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - Windows alone has it

        msvcrt.setmode(fd, os.O_BINARY)
    return fd


def accept_all_text() -> None:
    """Make stdout replace characters that its encoding lacks, such as "×", instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        is_utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "replace")


def end_with_reader() -> None:
    """End silently when the reader of stdout exits, as ``cat`` does; on Windows the write fails instead."""
    if sys.platform != "win32":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _duplicate(fd: int) -> int:
    """Duplicate a descriptor, not inherited by child processes and above 2, since 0 to 2 may be free."""
    copies = [os.dup(fd)]
    while copies[-1] <= 2:
        copies.append(os.dup(fd))
    for copy in copies[:-1]:
        os.close(copy)
    return copies[-1]


def print_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, width: int = 140
) -> None:
    """Print a table on stdout.

    Args:
        head: The columns' names.
        rows: A value for each column: floats are rounded to three digits, None leaves the cell empty.
        title: A line above it.
        width: Largest width, in characters, if stdout is not a terminal.
    """
    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*map(_cell, row))
    Console(width=None if Console().is_terminal else width).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class JobProgress:
    """Progress of one video: a bar on a terminal, otherwise a line every ten seconds.

    A context manager. On success, `done` logs a summary.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        shown = self._console.is_terminal and logs.is_for_people()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not shown,
            transient=True,
        )
        self._task = self._bar.add_task("opening", total=None, detail="")
        self._started = self._next_line = 0.0
        self._frames, self._fps, self._before = 0, 0.0, 0

    def __enter__(self) -> Self:
        self._bar.start()
        self._console.show_cursor()  # a process that is killed could not restore it
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Log a line, above the bar."""
        logs.console_logger.info("note: %s", text)

    def indexing(self, percent: int) -> None:
        """Show the progress of indexing, in percent."""
        self._bar.update(self._task, description="indexing", total=100, completed=percent)

    def start(self, frames: int, fps: float) -> None:
        """Start counting frames.

        Args:
            frames: Number of frames.
            fps: The clip's own frame rate.
        """
        self._frames, self._fps, self._before = frames, fps, 0
        self._started = time.monotonic()
        self._next_line = self._started + _SECONDS_PER_LINE
        self._bar.reset(self._task, description="upscaling", total=frames)

    def skip(self, frames: int) -> None:
        """Count `frames` as done by an earlier run; they don't count towards the speed."""
        self._before = frames
        if frames:
            self.note(f"{frames} of {self._frames} frames were done before")

    def frame(self, number: int) -> None:
        """Show that `number` frames are done."""
        if not self._bar.disable:
            detail = f"{number}/{self._frames} frames  {self._speed(number)}"
            self._bar.update(self._task, completed=number, detail=detail)
        elif (now := time.monotonic()) >= self._next_line:
            self._next_line = now + _SECONDS_PER_LINE
            left = (self._frames - number) * (now - self._started) / max(number - self._before, 1)
            detail = f"{number}/{self._frames} frames, {self._speed(number)}, {_clock(left)} left"
            logs.console_logger.info("%s", detail, extra={"fields": {"frames": number}})

    def done(self) -> None:
        """Log a summary."""
        took = _clock(time.monotonic() - self._started)
        logs.console_logger.info(
            "%d frames in %s, %s",
            self._frames,
            took,
            self._speed(self._frames),
            extra={"fields": {"frames": self._frames}},
        )

    def _speed(self, number: int) -> str:
        fps = (number - self._before) / max(time.monotonic() - self._started, 1e-9)
        return f"{fps:.1f} fps, {fps / self._fps:.2f}× realtime"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
