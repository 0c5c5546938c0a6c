"""A file's tracks and video through BestSource, with an index kept in the cache folder."""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs

from vs_espcn.cache_folder import UntrustedFileError, cache_dir, check_trusted
from vs_espcn.encoding.clip_times import Ticks
from vs_espcn.encoding.media_info import StreamInfo
from vs_espcn.errors import InputError

_log = logging.getLogger(__name__)

_KINDS = {0: "video", 1: "audio", 2: "data", 3: "subtitle", 4: "attachment"}
_ATTACHED_PICTURE, _TIMED_THUMBNAILS = 0x400, 0x800
_NO_TIMESTAMP = -(1 << 63)

_TEXT_AS_VIDEO = frozenset({"ansi", "bintext", "idf", "xbin"})
"""Text that libavformat would draw as if it were video."""

_NO_INDEX, _INDEX_IF_LONG = 0, 3
"""BestSource's cachemodes: keep none; keep one of 100 frames or more, at the very path given."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One track of a media file.

    Attributes:
        index: Its number in the file, from 0.
        kind: ``video``, ``audio``, ``data``, ``subtitle`` or ``attachment``.
        codec: libavcodec's name of its codec.
        cover: Whether it is a picture attached to the file rather than video.
        thumbnails: Whether it holds pictures of the chapters.
        dispositions: ffmpeg's names of what it is for, such as ``default``.
        info: What ffmpeg says of it; None if it says nothing.
    """

    index: int
    kind: str
    codec: str
    cover: bool = False
    thumbnails: bool = False
    dispositions: tuple[str, ...] = ()
    info: StreamInfo | None = None


def find_tracks(path: Path) -> list[Track]:
    """All tracks of a file, in its order.

    Raises:
        vs.Error: It cannot be read as a media file.
    """
    # No track comes as None, a lone one as plain values rather than lists of one.
    found = vs.core.bs.TrackInfo(os.fsencode(path)) or {}
    columns = [found.get(name, []) for name in ("tracktype", "codecstr", "disposition", "dispositionstr")]
    rows = zip(*(np.atleast_1d(column).tolist() for column in columns), strict=True)
    return [
        Track(
            index=index,
            kind=_KINDS.get(kind, "unknown"),
            codec=codec,
            cover=bool(disposition & _ATTACHED_PICTURE),
            thumbnails=bool(disposition & _TIMED_THUMBNAILS),
            dispositions=tuple(filter(None, names.split(", "))),
        )
        for index, (kind, codec, disposition, names) in enumerate(rows)
    ]


def first_video(path: Path, tracks: list[Track]) -> Track:
    """The first of its tracks that is a film.

    Raises:
        InputError: None is.
    """
    for track in tracks:
        if track.kind == "video" and not track.cover and track.codec not in _TEXT_AS_VIDEO:
            return track
    kinds = {
        "text" if track.codec in _TEXT_AS_VIDEO else "cover picture" if track.cover else track.kind
        for track in tracks
    }
    found = ", ".join(sorted(kinds)) or "a header"
    raise InputError(f"INPUT {str(path)!r} has no video track, only {found}; give a video file")


def open_track(path: Path, track: Track, turn_upright: bool) -> tuple[vs.VideoNode, Ticks]:
    """Call BestSource: the clip and its frames' times.

    An index that cannot be kept, on a full disk for example, only costs time.
    """
    index = index_path(path)
    if _can_keep(index, track):
        try:
            return _call_bestsource(path, track, turn_upright, _INDEX_IF_LONG, index)
        except vs.Error as error:
            if "Failed to write index" not in str(error):
                raise
            _log.warning("cannot keep an index in %s; opening without one", index.parent)
    return _call_bestsource(path, track, turn_upright, _NO_INDEX, index)


def _call_bestsource(
    path: Path, track: Track, turn_upright: bool, mode: int, index: Path
) -> tuple[vs.VideoNode, Ticks]:
    opened = vs.core.bs.VideoSource(
        os.fsencode(path),
        track=track.index,
        cachemode=mode,
        cachepath=os.fsencode(index),
        apply_rotation=turn_upright,
        exporttimestamps=True,
    )
    return opened["clip"], _timestamps(opened)


def repeated_rate(clip: vs.VideoNode, path: Path, track: Track) -> Fraction:
    """The frame rate of a stream without timestamps, some of whose fields are to be shown twice.

    Film in MPEG-2 for 30 frames a second has such flags on every second of its 24.
    """
    if track.codec != "mpeg2video":
        return Fraction(clip.fps)
    repeated = vs.core.bs.VideoSource(os.fsencode(path), track=track.index, cachemode=_NO_INDEX, rff=True)
    film = Fraction(4, 5)
    is_film = abs(clip.num_frames - film * repeated.num_frames) <= 2 < repeated.num_frames - clip.num_frames
    return Fraction(clip.fps) * (film if is_film else Fraction(clip.num_frames, repeated.num_frames))


def index_path(path: Path) -> Path:
    """Where a file's index is kept; another size or change time is another file."""
    status = path.stat()
    identity = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    name = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:32]
    return cache_dir() / "index" / name


def _can_keep(index: Path, track: Track) -> bool:
    """Whether an index can be read and kept.

    What lies in its place and is no regular file of this user's is removed:
    BestSource would write through a link, and wait for ever for a FIFO.
    """
    file = index.with_name(f"{index.name}.{track.index}.bsindex")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        check_trusted(file.lstat())
    except FileNotFoundError:
        pass
    except UntrustedFileError:
        return _is_removed(file)
    except OSError:
        return False
    return os.access(file.parent, os.W_OK)


def _is_removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _timestamps(opened: Mapping[str, Any]) -> Ticks:
    numbers = np.atleast_1d(opened["timestamps"]).tolist()
    return Ticks(
        unit=Fraction(opened["timebasenum"], opened["timebaseden"]),
        numbers=[None if number == _NO_TIMESTAMP else number for number in numbers],
    )


@contextmanager
def index_progress(on_index: Callable[[int], None] | None) -> Iterator[None]:
    """Pass on the progress that BestSource logs while it opens a file."""

    def hear(_kind: int, text: str) -> None:
        found = re.search(r"index progress (\d+)%", text)
        if found and on_index:
            on_index(int(found[1]))

    logger = logging.getLogger("vapoursynth")
    handle = vs.core.add_log_handler(hear)
    logger.addFilter(_is_news)
    try:
        yield
    finally:
        logger.removeFilter(_is_news)
        vs.core.remove_log_handler(handle)


def _is_news(record: logging.LogRecord) -> bool:
    """False for the warning that VideoSource returns the timestamps it was asked for."""
    return "no return value(s) named" not in record.getMessage()
