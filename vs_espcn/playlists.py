"""Finding files that have ffmpeg open other files: playlists, manifests, names taken for patterns.

Whoever upscales a file that somebody sent must not thereby read, and pass on, other files of this
machine, nor wait for ever because one of those is a FIFO.
"""

import re
from pathlib import Path

_PROBED = 1 << 20
"""Bytes by which ffmpeg tells a format, at most."""

_BEGINNINGS = {b"ffconcat": "a concat script", b"#EXTM3U": "an HLS playlist"}

_WITHIN = {
    re.compile(rb"<MPD", re.IGNORECASE): "a DASH manifest",
    re.compile(rb"<CompositionPlaylist", re.IGNORECASE): "an IMF playlist",
    re.compile(rb"^c=IN IP", re.MULTILINE): "an SDP session",
}
"""ffmpeg looks for these anywhere before the first zero byte."""

_PATTERN = re.compile(r"%\d*d")
_VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mxf", ".ts", ".webm", ".y4m"}
)
"""Suffixes with which ffmpeg never takes a name for the pattern of an image sequence."""


def reference_kind(path: Path) -> str | None:
    """Say in what way a file would have ffmpeg open others.

    Args:
        path: A regular file.

    Returns:
        ``"a concat script"``, for example; None for a file that is read alone.

    Raises:
        OSError: The file cannot be read.
    """
    if _PATTERN.search(str(path)) and path.suffix.lower() not in _VIDEO_SUFFIXES:
        return "named like a pattern of an image sequence"
    with path.open("rb") as file:
        text = file.read(_PROBED).partition(b"\0")[0]
    begun = next((kind for beginning, kind in _BEGINNINGS.items() if text.startswith(beginning)), None)
    return begun or next((kind for pattern, kind in _WITHIN.items() if pattern.search(text)), None)
