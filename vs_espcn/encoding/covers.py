"""Cover pictures on their way into an output.

MP4 takes them as streams that are copied. Matroska takes them as attached files,
which ffmpeg reads from the disk: they are written into the cache folder first.
"""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from vs_espcn.cache_folder import cache_dir
from vs_espcn.encoding.bestsource import Track
from vs_espcn.encoding.containers import COVER_TYPES
from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.file_writing import replace_file

_FOR_ALL_VIDEO = {"-vf": "-filter:v:0", "-vcodec": "-c:v:0", "-vtag": "-tag:v:0"}


def attach_options(ffmpeg: Ffmpeg, path: Path, covers: Sequence[Track], *, attachments: int) -> list[str]:
    """Options of an output in Matroska that attach a file's covers.

    Args:
        ffmpeg: Takes the covers out of the file.
        path: The file.
        covers: Its covers, each of a codec in `COVER_TYPES`.
        attachments: How many other attachments the output has.

    Raises:
        OSError: A cover cannot be written into the cache folder.
    """
    options: list[str] = []
    for number, cover in enumerate(covers, start=attachments):
        mime_type, suffix = COVER_TYPES[cover.codec]
        name = (cover.info and cover.info.tag("filename")) or f"cover.{suffix}"
        options += ["-attach", f"file:{_stored(ffmpeg, path, cover, suffix)}"]
        options += [f"-metadata:s:t:{number}", f"mimetype={mime_type}"]
        options += [f"-metadata:s:t:{number}", f"filename={name}"]
    return options


def for_first_video(options: Sequence[str]) -> list[str]:
    """The same options for the first video stream alone; a cover beside it is copied as it is."""
    renamed = [_FOR_ALL_VIDEO.get(option, option) for option in options]
    return [re.sub(r"^(-[a-z_]+:v)$", r"\1:0", option) for option in renamed]


def _stored(ffmpeg: Ffmpeg, path: Path, cover: Track, suffix: str) -> Path:
    """Write a cover into the cache folder, under a name that follows from its content."""
    picked = ("-map", f"0:{cover.index}", "-c", "copy", "-frames:v", "1", "-f", "image2pipe", "-")
    command = [ffmpeg.path, "-nostdin", "-loglevel", "error", "-i", f"file:{path}", *picked]
    picture = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
    stored = cache_dir() / "covers" / f"{hashlib.sha256(picture).hexdigest()[:32]}.{suffix}"
    stored.parent.mkdir(parents=True, exist_ok=True)
    replace_file(stored, picture)
    return stored
