"""Detection of truncated files, by the length in their own headers.

An incomplete copy often still opens and decodes, and only ends early. MP4, MOV,
Matroska, WebM and AVI store their length at the front. MPEG transport and
program streams and bare H.264 or HEVC don't, so that a cut in those looks like
their end.
"""

from pathlib import Path
from typing import BinaryIO

_MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT_ID = b"\x18\x53\x80\x67"
_BOX_TYPES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"udta", b"pnot", b"pdin"}
    | {b"styp", b"sidx", b"ssix", b"moof", b"mfra", b"prft", b"emsg"}
)


def missing_bytes(path: Path) -> int:
    """Return how many bytes a media file lacks of the length in its headers.

    Args:
        path: A readable file.

    Returns:
        Bytes missing at the end; 0 for a complete file, and for a format that
        stores no length.

    Raises:
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in _BOX_TYPES:
            announced = _end_of_boxes(file, size)
        elif head[:4] == _MATROSKA_MAGIC:
            announced = _end_of_segment(file)
        elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            # Eight bytes of header; a padding byte at the end may not have been written.
            announced = 7 + int.from_bytes(head[4:8], "little")
        else:
            announced = 0
    return max(0, announced - size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last top-level box of an MP4 or MOV file ends."""
    offset = 0
    while offset < size:
        file.seek(offset)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8 or head[4:8] not in _BOX_TYPES:
            # Length 0 means "to the end of the file"; anything else is padding or a
            # private box, whose length cannot be relied on.
            return offset
        offset += length
    return offset


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment of a Matroska file ends; 0 if it was written without a length."""
    file.seek(4)
    header_size = _read_length(file)
    if header_size is None:
        return 0
    file.seek(header_size, 1)
    if file.read(4) != _SEGMENT_ID:
        return 0
    length = _read_length(file)
    return 0 if length is None else file.tell() + length


def _read_length(file: BinaryIO) -> int | None:
    """Read a length of Matroska: the leading zero bits of its first byte give its own size."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    size = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(size - 1), "big")
    mask = (1 << 7 * size) - 1
    return None if value & mask == mask else value & mask
