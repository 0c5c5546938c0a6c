"""The folder of an encode's segments until they are joined.

It holds a description of what the segments are made from, the segments, a list
for ffmpeg, and hidden files while they are written. The only state is which
segments exist. Other files in it are the user's, and stay.
"""

import json
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vs_espcn.errors import InputError
from vs_espcn.file_writing import replace_file

_DESCRIPTION = "segments.json"
_IDENTIFIER = "vs-espcn"
"""The key that distinguishes our description from another program's file of that name."""

LISTING = "segments.ffconcat"
"""ffmpeg reads it in its own folder, because it takes a ``?`` or ``#`` in a path as part of a URL."""

_SEGMENT = re.compile(r"\d{8,}-\d{8,}\.segment")
_UNFINISHED = re.compile(
    rf"\.({re.escape(_DESCRIPTION)}|{re.escape(LISTING)})\.[0-9a-f]+\.tmp"
    r"|\.\d{8,}-\d{8,}\.[0-9a-f]+\.(lock|part\.\w+)"
)
"""Hidden files of `file_writing` and `output_file`."""


def segments_folder(output: Path) -> Path:
    """Return the folder of an output's segments."""
    return output.with_name(f"{output.name}.segments")


def segment_path(folder: Path, frames: range) -> Path:
    """Return the path of a finished segment."""
    return folder / f"{frames.start:08d}-{frames.stop:08d}.segment"


def claim_folder(folder: Path, settings: dict[str, object], owner: int) -> None:
    """Make the folder, or check that its segments are of this encode.

    The caller holds the lock of the output.

    Args:
        folder: From `segments_folder`.
        settings: Everything that the segments depend on, as JSON.
        owner: The uid of a new file of this process beside the folder; on a
            network folder it may differ from the process's.

    Raises:
        InputError: It is a link, no folder or another user's, holds other files
            but no description of ours, or its segments are of another encode.
        OSError: It cannot be read or written.
    """
    with suppress(FileExistsError):
        folder.mkdir()
    _check_folder(folder, owner)
    description = json.dumps({_IDENTIFIER: settings}, indent=1)
    found = _stored_description(folder)
    if found is None and (others := _names(folder) - _unfinished(folder)):
        raise InputError(
            f"{str(folder)!r} holds files that are not of an encode in segments, such as {min(others)!r}; "
            "move the folder away, or give OUTPUT another name"
        )
    if found == description:
        return
    if any(map(_SEGMENT.fullmatch, _names(folder))):
        raise InputError(
            f"{str(folder)!r} holds segments that were made from another file or with other options; "
            "give the same ones to go on, or remove the folder to begin anew"
        )
    replace_file(folder / _DESCRIPTION, description.encode())


def missing_segments(folder: Path, segments: Sequence[range]) -> list[range]:
    """Return the segments that are not finished."""
    return [segment for segment in segments if not segment_path(folder, segment).exists()]


def remove_folder(folder: Path) -> None:
    """Remove the files of an encode, the description last, and the folder if it is empty then.

    Files that cannot be removed stay; the encode itself is done.
    """
    with suppress(OSError):
        ours = {name for name in _names(folder) if _SEGMENT.fullmatch(name)} | _unfinished(folder)
        for name in [*sorted(ours), LISTING, _DESCRIPTION]:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _unfinished(folder: Path) -> set[str]:
    return {name for name in _names(folder) if _UNFINISHED.fullmatch(name)}


def _check_folder(folder: Path, owner: int) -> None:
    """Refuse links and foreign files that this process would write through or read."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        what = "is a link" if stat.S_ISLNK(status.st_mode) else "is no folder"
        raise InputError(f"{str(folder)!r} {what}; remove it, or give OUTPUT another name")
    if status.st_uid != owner:
        raise InputError(
            f"{str(folder)!r} belongs to another user (uid {status.st_uid}); give OUTPUT another name"
        )
    for path in folder.iterdir():
        is_ours = path.name in {_DESCRIPTION, LISTING} or _SEGMENT.fullmatch(path.name)
        if is_ours and not stat.S_ISREG(path.lstat().st_mode):
            raise InputError(f"{str(path)!r} is a link or no regular file; remove it")


def _stored_description(folder: Path) -> str | None:
    """The text of our description; None if there is none, or it is another program's."""
    try:
        text = (folder / _DESCRIPTION).read_text(encoding="utf-8")
        description = json.loads(text)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return text if isinstance(description, dict) and _IDENTIFIER in description else None
