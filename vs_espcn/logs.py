"""Log on stderr: lines for people, or JSON for programs.

The package logs through loggers under ``vs_espcn``; on the command line this
module alone decides what is shown, and how. Messages of `console_logger` are
for the user of a command and shown unless ``--quiet``; those of the library
are shown from warnings on.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

console_logger = logging.getLogger("vs_espcn.console")
"""For the lines of commands: progress, notes, sums, and the error that ends one."""

_package = logging.getLogger("vs_espcn")
_for_the_user = (console_logger, logging.getLogger("vs_espcn.training"))

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, recolours or renames it, or turns the direction of writing."""


class _Line(logging.Formatter):
    """``vs-espcn: error: …`` for people; control characters, for example in file names, are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        kind = "error: " if record.levelno >= logging.ERROR else ""
        return f"vs-espcn: {kind}{_CONTROLS.sub(_escaped, record.getMessage())}"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class _Json(logging.Formatter):
    """One object a line: time, level, logger, message, and the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False)


class _Stderr(logging.Handler):
    """Writes to the current ``sys.stderr``, so above a progress bar while one is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            self.handleError(record)


_handler = _Stderr()
_handler.setFormatter(_Line())


@contextmanager
def on_stderr(verbosity: int = 0, *, as_json: bool = False) -> Iterator[None]:
    """Show the package's messages on stderr until the end of the context.

    Args:
        verbosity: -1 for errors only, 0 for the command's messages and warnings,
            1 for the library's steps, 2 for its details.
        as_json: One JSON object per line instead of text.
    """
    before = {logger: logger.level for logger in (_package, *_for_the_user)}
    set_verbosity(verbosity)
    _handler.setFormatter(_Json() if as_json else _Line())
    try:
        with _shown():
            yield
    finally:
        for logger, old in before.items():
            logger.setLevel(old)


def set_verbosity(verbosity: int) -> None:
    """Set the verbosity.

    Args:
        verbosity: As for `on_stderr`.
    """
    level = _LEVELS[max(-1, min(verbosity, 2))]
    _package.setLevel(level)
    for logger in _for_the_user:
        logger.setLevel(level if verbosity < 0 else min(level, logging.INFO))


def show_error(error: Exception) -> None:
    """Show the error that ends a command, in the current form."""
    with _shown():
        console_logger.error("%s", error)


@contextmanager
def _shown() -> Iterator[None]:
    _package.addHandler(_handler)
    _package.propagate = False  # some libraries give the root logger a handler, which would repeat it all
    try:
        yield
    finally:
        _package.propagate = True
        _package.removeHandler(_handler)


def is_for_people() -> bool:
    """Tell whether a progress bar is wanted: neither quiet nor JSON."""
    return console_logger.isEnabledFor(logging.INFO) and not isinstance(_handler.formatter, _Json)
