"""The folder that the segments of an encode lie in until they are joined.

It holds a plan, which tells what the segments were made from, the segments, a
list for ffmpeg, and while they are written hidden files. Which segments exist
is all the state there is. Other files in it are the user's, and stay.
"""

import json
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vs_espcn.errors import InputError
from vs_espcn.file_writing import replace_file

_PLAN = "plan.json"
_IDENTIFIER = "vs-espcn"
"""The key that tells our plan from another program's file of that name."""

LISTING = "segments.ffconcat"
"""Read by ffmpeg in its own folder: it takes a ``?`` or ``#`` in a path for a part of a URL."""

_SEGMENT = re.compile(r"\d{8,}-\d{8,}\.segment")
_UNFINISHED = re.compile(
    rf"\.({re.escape(_PLAN)}|{re.escape(LISTING)})\.[0-9a-f]+\.tmp"
    r"|\.\d{8,}-\d{8,}\.[0-9a-f]+\.(lock|part\.\w+)"
)
"""Hidden files of `file_writing` and `output_file`."""


def segments_folder(output: Path) -> Path:
    """Where the segments of an output lie."""
    return output.with_name(f"{output.name}.segments")


def segment_path(folder: Path, frames: range) -> Path:
    """Where a segment lies once it is finished."""
    return folder / f"{frames.start:08d}-{frames.stop:08d}.segment"


def claim_folder(folder: Path, settings: dict[str, object], owner: int) -> None:
    """Make the folder, or check that it is ours and its segments are of this encode.

    The caller holds the lock of the output.

    Args:
        folder: From `segments_folder`.
        settings: All that decides how segments look, as JSON.
        owner: The uid that a new file of this process has beside the folder. A
            network folder may show another one than the process's.

    Raises:
        InputError: It is a link, no folder, another user's, holds files of others
            but no plan of ours, or its segments were made from something else.
        OSError: It cannot be read or written.
    """
    with suppress(FileExistsError):
        folder.mkdir()
    _check_folder(folder, owner)
    plan = json.dumps({_IDENTIFIER: settings}, indent=1)
    found = _stored_plan(folder)
    if found is None and (others := _names(folder) - _unfinished(folder)):
        raise InputError(
            f"{str(folder)!r} holds files that are not of an encode in segments, such as {min(others)!r}; "
            "move the folder away, or give OUTPUT another name"
        )
    if found == plan:
        return
    if any(map(_SEGMENT.fullmatch, _names(folder))):
        raise InputError(
            f"{str(folder)!r} holds segments that were made from another file or with other options; "
            "give the same ones to go on, or remove the folder to begin anew"
        )
    replace_file(folder / _PLAN, plan.encode())


def missing_segments(folder: Path, segments: Sequence[range]) -> list[range]:
    """The segments that are not finished."""
    return [segment for segment in segments if not segment_path(folder, segment).exists()]


def remove_folder(folder: Path) -> None:
    """Remove what an encode made, the plan last; and the folder, if nothing else is in it.

    What cannot be removed stays; the encode itself is done.
    """
    with suppress(OSError):
        ours = {name for name in _names(folder) if _SEGMENT.fullmatch(name)} | _unfinished(folder)
        for name in [*sorted(ours), LISTING, _PLAN]:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _unfinished(folder: Path) -> set[str]:
    return {name for name in _names(folder) if _UNFINISHED.fullmatch(name)}


def _check_folder(folder: Path, owner: int) -> None:
    """Refuse what somebody may have put there for us to write through or to read."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        what = "is a link" if stat.S_ISLNK(status.st_mode) else "is no folder"
        raise InputError(f"{str(folder)!r} {what}; remove it, or give OUTPUT another name")
    if status.st_uid != owner:
        raise InputError(
            f"{str(folder)!r} belongs to another user (uid {status.st_uid}); give OUTPUT another name"
        )
    for path in folder.iterdir():
        is_ours = path.name in {_PLAN, LISTING} or _SEGMENT.fullmatch(path.name)
        if is_ours and not stat.S_ISREG(path.lstat().st_mode):
            raise InputError(f"{str(path)!r} is a link or no regular file; remove it")


def _stored_plan(folder: Path) -> str | None:
    """The text of our plan; None if there is none, or it is another program's."""
    try:
        text = (folder / _PLAN).read_text(encoding="utf-8")
        plan = json.loads(text)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return text if isinstance(plan, dict) and _IDENTIFIER in plan else None
