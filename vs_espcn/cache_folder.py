"""The package's cache folder, and which files in it are trusted."""

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO


class UntrustedFileError(ValueError):
    """A cache file that must not be used: a link, not a regular file, or another user's."""


def cache_dir() -> Path:
    """Return the user's cache folder for this package; VS_ESPCN_CACHE overrides it."""
    chosen = os.environ.get("VS_ESPCN_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415 - not installed where only the runtimes are

    return Path(platformdirs.user_cache_dir("vs-espcn"))


def open_cached(path: Path) -> BinaryIO:
    """Open a file of the cache for reading; never follows a link and never waits for a FIFO.

    Raises:
        FileNotFoundError: The file does not exist.
        UntrustedFileError: It is a link, not a regular file, or belongs to another user.
        OSError: It cannot be read.
    """
    check_trusted(path.lstat())
    # Windows lacks the first two flags; there only the check above protects.
    flags = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    file = os.fdopen(os.open(path, os.O_RDONLY | flags), "rb")
    try:
        check_trusted(os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def check_trusted(status: os.stat_result) -> None:
    """Refuse a file that neither this user nor root owns.

    Args:
        status: From `os.lstat` or `os.fstat`.

    Raises:
        UntrustedFileError: It is not a regular file, or belongs to another user.
    """
    if not stat.S_ISREG(status.st_mode):
        raise UntrustedFileError("the stored file is a link or no regular file")
    if not _is_trusted_owner(status.st_uid):
        raise UntrustedFileError(f"the stored file belongs to another user (uid {status.st_uid})")


def _is_trusted_owner(uid: int) -> bool:
    """Accept this user and root; on Windows everybody, since the folder's access list protects it."""
    if sys.platform == "win32":
        return True
    return uid in {0, os.geteuid()}
