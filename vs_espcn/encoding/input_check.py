"""Refusing a file that can be seen to be unusable before it is decoded."""

import re
import stat
from pathlib import Path

from vs_espcn.encoding.truncation import missing_bytes
from vs_espcn.errors import InputError
from vs_espcn.playlists import is_playlist, is_sequence_name

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
"""The beginning of a URL, whose second slash a path doesn't keep; a drive's letter is a single one."""


def check_input(path: Path) -> None:
    """Refuse a file that can be seen to be unusable without decoding it.

    Raises:
        InputError: It is missing, no regular file, unreadable, empty, cut short, or
            would have ffmpeg open other files, as a playlist does.
            A cut is seen where the format announces its length: MP4, MOV,
            Matroska, WebM and AVI. A transport stream or a bare H.264 or HEVC
            stream just ends; it is decoded up to its last whole frame.
    """
    name = repr(str(path))
    try:
        if is_sequence_name(path):
            raise InputError(
                f"INPUT {name} is named like an image sequence, whose other files would be read; rename it, "
                "or make a video of the images: `ffmpeg -framerate 24 -i INPUT -c:v ffv1 VIDEO.mkv`"
            )
        if path.is_dir():
            raise InputError(f"INPUT {name} is a folder; give a video file")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"INPUT {name} is not a regular file, and has to be read more than once; "
                "stream y4m through `vs-espcn pipe` instead"
            )
        if not status.st_size:
            raise InputError(f"INPUT {name} is empty (0 bytes)")
        if is_playlist(path):
            raise InputError(
                f"INPUT {name} is a playlist: it names other files; give those, or join them first with "
                "`ffmpeg -f concat -i INPUT -c copy JOINED.mkv`"
            )
        missing = missing_bytes(path)
    except FileNotFoundError:
        if _ADDRESS.match(str(path)):
            raise InputError(
                f"INPUT {name} is an address; download it first, or pipe it: "
                "`ffmpeg -i ADDRESS -f yuv4mpegpipe - | vs-espcn pipe | ffmpeg -i - OUTPUT`"
            ) from None
        raise InputError(f"INPUT {name} does not exist") from None
    except OSError as error:
        raise InputError(f"INPUT {name} cannot be read: {error.strerror}") from None
    if missing:
        raise InputError(
            f"INPUT {name} is cut short: its header announces {missing} bytes more than it has; get the "
            "whole file, or rescue what there is with `ffmpeg -i INPUT -map 0 -c copy RESCUED.mkv`"
        )
