"""Files that measurements are written into."""

from collections.abc import Iterable
from pathlib import Path

from vs_espcn.errors import InputError


def check_destinations(paths: Iterable[Path | None]) -> None:
    """Refuse files that cannot be written, before anything is measured.

    Raises:
        InputError: A path's folder is missing, or the path is a folder.
    """
    for path in paths:
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise InputError(f"{path} cannot be written; give a file in a folder that exists")


def write(path: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place") from error
