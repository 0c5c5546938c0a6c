"""The file that an output is written under until it is whole.

It lies beside the output under a hidden name that follows from the output's,
and is locked while its run lives: a second run for the same output is refused,
and what a killed run left is taken over by the next one.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vs_espcn.errors import EncodeError, InputError


@contextmanager
def partial_file(output: Path) -> Iterator[Path]:
    """An empty, locked file beside `output`; gone at the end unless it was renamed.

    Args:
        output: The output, with symbolic links resolved.

    Raises:
        InputError: Another run is writing the same output.
        OSError: The folder cannot be written.
    """
    digest = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:8]
    part = output.with_name(f".{output.stem[:40]}.{digest}.part{output.suffix}")
    lock = _claim(part, output)
    try:
        yield part
    finally:
        # After it was renamed, the name may already be another run's.
        if _is_same_file(lock, part):
            part.unlink()
        os.close(lock)


def publish(part: Path, output: Path, *, overwrite: bool) -> None:
    """Give a finished file its name; it is complete on the disk before it has it.

    Raises:
        EncodeError: A file took the name meanwhile; the finished one has another then.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    if overwrite:
        part.replace(output)
        return
    try:
        # Claims the name, so that the rename cannot hit another's file.
        os.close(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        rescued = output.with_name(f"{output.stem[:40]}.{secrets.token_hex(3)}{output.suffix}")
        part.rename(rescued)
        raise EncodeError(
            f"OUTPUT {str(output)!r} appeared while it was being encoded; "
            f"the finished video is {str(rescued)!r}"
        ) from None
    try:
        part.replace(output)
    except BaseException:
        output.unlink()
        raise


def _claim(part: Path, output: Path) -> int:
    """Create the file and lock it; returns the descriptor that holds the lock.

    What a dead run left is removed rather than written over: its ffmpeg may go
    on writing for a moment, then into a file without a name.
    """
    while True:
        is_new = False
        try:
            held = os.open(part, os.O_RDWR)
        except FileNotFoundError:
            try:
                held = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue  # another run was quicker
            is_new = True
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            raise InputError(
                f"OUTPUT {str(output)!r} is being written by another run; wait for it, or give another name"
            ) from None
        if is_new and _is_same_file(held, part):
            return held
        if _is_same_file(held, part):
            part.unlink()
        os.close(held)


def _is_same_file(fd: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), path.stat())
    return False
