"""Errors of frames and of the disk, in the words of whoever encodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import vapoursynth as vs

from vs_espcn.errors import EncodeError
from vs_espcn.filter.vs_errors import last_line


@contextmanager
def frame_errors() -> Iterator[None]:
    """Turn VapourSynth's error on a frame into ours."""
    try:
        yield
    except vs.Error as error:
        raise EncodeError(f"a frame could not be made: {last_line(error)}") from None


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an error of the disk into one that names the file."""
    try:
        yield
    except OSError as error:
        raise EncodeError(f"{str(path)!r} cannot be written: {error.strerror or error}") from None
