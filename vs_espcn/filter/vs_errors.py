"""Conversion between this package's errors and VapourSynth's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import vapoursynth as vs

from vs_espcn.errors import EspcnError

_CLASS = re.compile(r"[\w.]+: (?=vs_espcn: )")
"""The name of an error's class, as tracebacks write it."""


class UpscaleError(EspcnError, vs.Error):  # type: ignore[misc] # VapourSynth ships no types
    """Error that `vs_espcn.upscale` raises: a `vapoursynth.Error` and an `EspcnError` at once."""


@contextmanager
def as_vs_error(frame: int | None = None) -> Iterator[None]:
    """Turn this package's errors into `UpscaleError`, with ``vs_espcn:`` before their text.

    Args:
        frame: Number of the frame that failed, which the text then names.

    Raises:
        UpscaleError: In place of an `EspcnError`.
    """
    try:
        yield
    except UpscaleError:
        raise
    except EspcnError as error:
        where = "" if frame is None else f"frame {frame}: "
        raise UpscaleError(f"vs_espcn: {where}{error}") from error


def last_line(error: vs.Error) -> str:
    """Return an error's last line, without the traceback that VapourSynth adds."""
    line = str(error).strip().splitlines()[-1]
    return _CLASS.sub("", line).removeprefix("vapoursynth.Error: ").removeprefix("vs_espcn: ")
