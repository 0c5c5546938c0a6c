"""The file that an output is written under until it is whole.

It lies beside the output under a hidden name that follows from the output's.
A lock file beside it is held while its run lives: a second run for the same
output is refused, and what a killed run left is taken over by the next one.

The lock lies beside the output, not in the user's cache folder, so that two
users, or two machines on one shared folder, exclude each other, too. The run
that holds it removes it.
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
    """An empty file beside `output`, locked; gone at the end, whether it was published or not.

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
        # What a dead run left is removed rather than written over: its ffmpeg may go on writing for a
        # moment, then into a file without a name. A link that somebody put there is removed, too.
        part.unlink(missing_ok=True)
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield part
        finally:
            _remove(part)


def _remove(part: Path) -> None:
    """Remove a hidden file, also if a signal comes; what cannot be removed is left for the next run."""
    try:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def publish(part: Path, output: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, under which it is complete on the disk from the first moment.

    Whenever it is interrupted, `output` is what it was before or the whole new file.

    Args:
        part: From `partial_file`, which removes this name at its end.
        output: The name to give it.
        overwrite: Whether a file of that name is replaced.

    Raises:
        EncodeError: A file took the name meanwhile, or the one to replace is
            open elsewhere; the finished one has another name then.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    try:
        if overwrite:
            part.replace(output)
        else:
            _claim_name(part, output)
    except FileExistsError:
        raise _rescued(part, output, "appeared while it was being encoded") from None
    except PermissionError:  # Windows replaces no file that another program has open
        if not overwrite:
            raise
        raise _rescued(part, output, "cannot be replaced: it is open in another program") from None


def _rescued(part: Path, output: Path, why: str) -> EncodeError:
    """Give a finished file another name; return the error that says so."""
    name = output.with_name(f"{output.stem[:40]}.{secrets.token_hex(3)}{output.suffix}")
    _claim_name(part, name)
    return EncodeError(f"OUTPUT {str(output)!r} {why}; the finished video is {str(name)!r}")


def _claim_name(part: Path, name: Path) -> None:
    """Give a file a name that is free, in one step.

    Raises:
        FileExistsError: The name is taken.
    """
    try:
        os.link(part, name)
    except FileExistsError:
        raise
    except OSError:
        # FAT, exFAT and some network folders have no hard links. On Windows a rename fails if the name is
        # taken. Elsewhere it replaces: the lock keeps other runs of ours away, so that only a file that
        # another program makes between these two lines could be lost.
        if os.path.lexists(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name)) from None
        part.rename(name)


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[None]:
    """Hold a lock file, which is removed at the end.

    Raises:
        InputError: Another run holds it, or what lies there cannot be opened.
    """
    lock = FileLock(path, timeout=0)
    path.parent.stat()  # fails where there is no folder; the lock would make it
    try:
        _acquire(lock, path, output)
        yield
    finally:
        if lock.is_locked:
            # Removed while it is held. A run that had opened it before sees, once it has the lock, that
            # the file has no name any more, and gives it back. Windows removes no open file; there
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
