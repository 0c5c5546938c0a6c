"""Detect inputs that make ffmpeg open other files: playlists and names of image sequences.

A downloaded file must not make the command read and pass on other files of this machine, or
wait for ever for a FIFO.
"""

import re
from pathlib import Path

_PROBED = 1 << 20
"""Most bytes from which ffmpeg detects a format."""

_BEGINNINGS = (b"ffconcat version", b"#EXTM3U", b"v=0")
"""Of concat scripts, HLS playlists and SDP sessions."""

_WITHIN = re.compile(rb"<MPD|<CompositionPlaylist|^c=IN IP", re.IGNORECASE | re.MULTILINE)
"""DASH manifests, IMF playlists, SDP sessions: ffmpeg looks anywhere before the first zero byte."""

_PATTERN = re.compile(r"%\d*d")
_VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mxf", ".ts", ".webm", ".y4m"}
)
"""Suffixes that ffmpeg never reads as an image sequence."""


def is_playlist(path: Path) -> bool:
    """True if a file's content would make ffmpeg open other files or network connections.

    Args:
        path: A regular file.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(_PROBED).partition(b"\0")[0]
    start = text.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(_BEGINNINGS) or _WITHIN.search(text) is not None


def is_sequence_name(path: Path) -> bool:
    """True if ffmpeg would read a path, such as ``frame%03d.png``, as an image sequence."""
    return _PATTERN.search(str(path)) is not None and path.suffix.lower() not in _VIDEO_SUFFIXES
