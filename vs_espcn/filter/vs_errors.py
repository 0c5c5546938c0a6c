"""Between this package's errors and VapourSynth's."""

from collections.abc import Iterator
from contextlib import contextmanager

import vapoursynth as vs

from vs_espcn.errors import EspcnError


@contextmanager
def as_vs_error(frame: int | None = None) -> Iterator[None]:
    """Turn this package's errors into VapourSynth's, of the same text after ``vs_espcn:``.

    Args:
        frame: Number of the frame that failed, which the text then names.

    Raises:
        vs.Error: In place of an `EspcnError`.
    """
    try:
        yield
    except EspcnError as error:
        where = "" if frame is None else f"frame {frame}: "
        raise vs.Error(f"vs_espcn: {where}{error}") from error


def last_line(error: vs.Error) -> str:
    """Return what went wrong, without the traceback that VapourSynth adds to a Python filter's error."""
    line = str(error).strip().splitlines()[-1]
    return line.removeprefix("vapoursynth.Error: ").removeprefix("vs_espcn: ")
