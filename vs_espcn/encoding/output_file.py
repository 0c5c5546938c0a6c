"""The partial file that an output is written to until it is complete.

It lies beside the output under a hidden name derived from the output's. A lock
file beside it is held while the run lives: a second run for the same output is
refused, and the next run removes the partial file of a killed one.

The lock lies beside the output, not in the user's cache folder, so that it also
excludes other users and other machines on a shared folder. The run that holds
it removes it.
"""

import errno
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vs_espcn.errors import EncodeError, InputError


@contextmanager
def partial_file(output: Path) -> Iterator[Path]:
    """Make an empty, locked file beside `output`, and remove it at the end.

    Args:
        output: The output, with symbolic links resolved.

    Raises:
        InputError: Another run is writing the same output.
        OSError: The folder cannot be written.
    """
    digest = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:8]
    hidden = f".{output.stem[:40]}.{digest}"
    part = output.with_name(f"{hidden}.part{output.suffix}")
    with _locked(output.with_name(f"{hidden}.lock"), output):
        # A killed run's file is removed, not overwritten: its ffmpeg may write on for a moment, then into
        # a file without a name. This also removes a link that somebody put there.
        part.unlink(missing_ok=True)
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield part
        finally:
            _remove(part)


def _remove(part: Path) -> None:
    """Remove a hidden file, even if a signal comes; one that cannot be removed is left to the next run."""
    try:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def publish(part: Path, output: Path, *, overwrite: bool) -> None:
    """Move a finished file to its final name, atomically and flushed to the disk.

    Whenever it is interrupted, `output` is unchanged or the complete new file.

    Args:
        part: From `partial_file`, which removes it at its end.
        output: Its final name.
        overwrite: Whether to replace a file of that name.

    Raises:
        EncodeError: Another file has appeared under the name, or the one to replace is open in another
            program; the finished one is kept under a new name.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    try:
        if overwrite:
            part.replace(output)
        else:
            _claim_name(part, output)
    except FileExistsError:
        raise _rescued(part, output, "appeared while it was being written") from None
    except PermissionError:  # Windows replaces no file that another program has open
        if not overwrite:
            raise
        raise _rescued(part, output, "cannot be replaced: it is open in another program") from None


def _rescued(part: Path, output: Path, why: str) -> EncodeError:
    """Give a finished file another name; return the error that says so."""
    name = output.with_name(f"{output.stem[:40]}.{secrets.token_hex(3)}{output.suffix}")
    _claim_name(part, name)
    return EncodeError(f"OUTPUT {str(output)!r} {why}; the finished file is {str(name)!r}")


def _claim_name(part: Path, name: Path) -> None:
    """Rename a file atomically, without replacing another.

    Raises:
        FileExistsError: A file of that name exists.
    """
    try:
        os.link(part, name)
    except FileExistsError:
        raise
    except OSError:
        # FAT, exFAT and some network folders have no hard links. On Windows a rename fails if the target
        # exists. Elsewhere it replaces the target; the lock excludes other runs, so that only a file that
        # another program creates between these two lines could be lost.
        if os.path.lexists(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name)) from None
        part.rename(name)


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[None]:
    """Hold a lock file, and remove it at the end.

    Raises:
        InputError: Another run holds it, or the file there cannot be opened.
    """
    lock = FileLock(path, timeout=0)
    path.parent.stat()  # fails if the folder is missing; the lock would create it
    try:
        _acquire(lock, path, output)
        yield
    finally:
        if lock.is_locked:
            # Removed while it is held: another run that has opened it sees, once it has the lock, that the
            # file has no name any more, and releases it. Windows cannot remove an open file; there
            # releasing removes it.
            try:
                if sys.platform != "win32":
                    path.unlink(missing_ok=True)
            finally:
                lock.release()


def _acquire(lock: FileLock, path: Path, output: Path) -> None:
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"OUTPUT {str(output)!r} is being written by another run; wait for it, or give another name"
        ) from None
    except OSError as error:
        if not os.path.lexists(path):
            raise
        raise InputError(
            f"OUTPUT {str(output)!r} cannot be locked: {str(path)!r} is a link, or of another user's run "
            f"({error.strerror}); remove it if no run is writing this output"
        ) from None
