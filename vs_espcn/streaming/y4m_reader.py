"""Reader of YUV4MPEG2 streams, frame by frame.

What ffmpeg and mjpegtools write is read. Lines have a greatest length and
frames a greatest size, which are checked before anything of that size is
allocated.
"""

import io
import os
import re
import select
import sys
from collections.abc import Generator
from typing import IO

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.errors import InputError
from vs_espcn.streaming.y4m_header import Y4mHeader, parse_header

_LONGEST_LINE = 256
"""Of mjpegtools and of ffmpeg as a writer, in bytes."""

_BUFFER = 1 << 18


class Y4mReader:
    """Reads a y4m stream frame by frame.

    Attributes:
        header: The stream's first line.
    """

    def __init__(self, stream: IO[bytes], *, range_: str | None = None) -> None:
        """Read the header.

        Args:
            stream: Buffered, blocking; stays open.
            range_: ``"limited"`` or ``"full"``, which overrides the header's own range.

        Raises:
            InputError: The stream is empty, or its header cannot be used.
        """
        self._stream = stream
        line = stream.readline(_LONGEST_LINE)
        if not line:
            raise InputError("nothing came on stdin; did the command before the pipe fail?")
        if not line.endswith(b"\n") and line.startswith(b"YUV4MPEG2 "):
            raise InputError(
                f"the y4m header on stdin has no end within {len(line)} bytes; "
                f"at most {_LONGEST_LINE} are accepted"
            )
        self.header = parse_header(line.removesuffix(b"\n"), range_=range_)

    def frames(self) -> Generator[vs.VideoFrame]:
        """Yield all frames, with the header's properties; the caller owns them.

        Raises:
            InputError: The stream is damaged, or ends in the middle of a frame.
        """
        # Memory that is not written to is not taken, in case the header announces more than comes.
        buffer = np.empty(self.header.frame_bytes, np.uint8)
        number = 0
        while line := self._stream.readline(_LONGEST_LINE):
            if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                raise self._cut_short(number, 0)
            if not re.fullmatch(rb"FRAME( [^\n]*)?\n", line):
                raise InputError(
                    f"the y4m stream on stdin is damaged: frame {number} begins with {line[:16]!r}, "
                    "not with FRAME"
                )
            count = self._stream.readinto(buffer)  # type: ignore[attr-defined] # of every buffered reader
            if count < len(buffer):
                raise self._cut_short(number, count)
            yield _frame(self.header, buffer)
            number += 1

    def _cut_short(self, number: int, count: int) -> InputError:
        return InputError(
            f"the y4m stream on stdin is cut short: of frame {number} came {count} of "
            f"{self.header.frame_bytes} bytes; did the command before the pipe fail?"
        )


def _frame(header: Y4mHeader, data: NDArray[np.uint8]) -> vs.VideoFrame:
    """Make a frame from a copy of the data."""
    frame = vs.core.create_video_frame(header.video, header.width, header.height)
    frame.props.update(header.props)
    planes = [np.asarray(frame[index]) for index in range(header.video.num_planes)]
    if header.alpha:
        alpha = vs.core.create_video_frame(vs.core.get_video_format(vs.GRAY8), header.width, header.height)
        planes.append(np.asarray(alpha[0]))
    samples = data.view("<u2") if header.video.bytes_per_sample == 2 else data
    start = 0
    for plane in planes:
        np.copyto(plane, samples[start : start + plane.size].reshape(plane.shape))
        start += plane.size
    if header.alpha:
        frame.props["_Alpha"] = alpha
    return frame


class StoppableInput:
    """A descriptor as a buffered stream whose pending read another thread can end.

    Attributes:
        stream: The stream; the descriptor stays open.
    """

    def __init__(self, fd: int) -> None:
        """Wrap a descriptor, which may be non-blocking."""
        self._raw = _Raw(fd)
        self.stream: IO[bytes] = io.BufferedReader(self._raw, _BUFFER)

    def stop(self) -> None:
        """Let every later read return the end of the stream.

        A pending read returns at once too; on Windows, where a pipe cannot be polled, it returns
        when the next bytes or the end come.
        """
        self._raw.stop()


class _Raw(io.RawIOBase):
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_stopped = False
        if sys.platform != "win32":
            stopped, self._stop = os.pipe()
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)
            self._poll.register(stopped, select.POLLIN)

    def stop(self) -> None:
        self._is_stopped = True
        if sys.platform != "win32":
            os.write(self._stop, b".")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if sys.platform != "win32":
            self._poll.poll()
        if self._is_stopped:
            return 0
        try:
            if sys.platform == "win32":
                data = os.read(self._fd, len(buffer))
                buffer[: len(data)] = data
                return len(data)
            return os.readv(self._fd, [buffer])
        except OSError as error:
            raise InputError(f"stdin cannot be read: {error.strerror}") from None
