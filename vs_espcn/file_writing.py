"""Write files whole or not at all."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from vs_espcn.errors import InputError


def check_destinations(paths: Iterable[Path | None]) -> None:
    """Refuse paths that cannot be written, before any work is done.

    Raises:
        InputError: A path's folder is missing, or the path is a folder.
    """
    for path in paths:
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise InputError(f"{path} cannot be written; give a file in a folder that exists")


def write(path: Path, content: bytes) -> None:
    """Write a file that the user named; follow links, and write to devices and pipes directly.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            replace_file(target, content)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place") from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file atomically: a crash, a signal or a full disk leaves the previous one intact.

    A link at `path` is replaced; its target is not touched.

    Args:
        path: File to write, in a folder that exists.
        content: All of it.

    Raises:
        OSError: The file cannot be written.
    """
    # tempfile.mkstemp would make a file that only its owner can read.
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
