"""Opening a video file as a clip, frame-accurate, through BestSource."""

import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs

from vs_espcn.cache_folder import UntrustedFileError, cache_dir, check_trusted
from vs_espcn.encoding.clip_times import Ticks, clip_times
from vs_espcn.encoding.display_aspect import with_display_aspect
from vs_espcn.encoding.dynamic_hdr import check_dolby_vision
from vs_espcn.encoding.ffmpeg import Probe, find_ffmpeg, probe
from vs_espcn.encoding.ffmpeg_clip import complete_clip
from vs_espcn.encoding.media_info import StreamInfo
from vs_espcn.encoding.truncation import missing_bytes
from vs_espcn.errors import BackendError, InputError
from vs_espcn.filter.variable_format import is_varying
from vs_espcn.playlists import is_playlist, is_sequence_name

_log = logging.getLogger(__name__)

_KINDS = {0: "video", 1: "audio", 2: "data", 3: "subtitle", 4: "attachment"}
_ATTACHED_PICTURE, _TIMED_THUMBNAILS = 0x400, 0x800
_NO_TIMESTAMP = -(1 << 63)

_TEXT_AS_VIDEO = frozenset({"ansi", "bintext", "idf", "xbin"})
"""Text that libavformat would draw as if it were video."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
"""The beginning of a URL, whose second slash a path doesn't keep; a drive's letter is a single one."""

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


@dataclass(frozen=True, kw_only=True)
class ClipSource:
    """A video file, opened.

    Attributes:
        path: The file.
        clip: Its first video track.
        picture: Width and height of the picture; what the clip has beyond them, up to whole
            chroma samples, repeats its last column and row.
        track: That track.
        others: The file's other tracks, in its order.
        known: What ffmpeg says of the file.
        start: When the first frame is shown, in seconds on the file's own
            clock; None if the file has no timestamps.
        times: When each frame is shown, on the same clock, if the frame rate is
            variable; the clip's own rate is then only an average.
        ends: When the last frame ends, on the same clock, if the frame rate is variable.
        is_continued: Whether the file's clock jumps. Times are then on one that
            goes on instead, as ffmpeg reads the file unless it copies timestamps.
        restarts: Whether the clock starts anew in mid-film in a file of which ffmpeg
            leaves it so. The times go on; those of other streams have to.
        begin: Where the other streams' part begins, on the same clock; None for
            their own beginning.
        end: Where it ends; None for their own end.
        skipped: Seconds of the video before the first frame that is taken.
    """

    path: Path
    clip: vs.VideoNode
    track: Track
    others: tuple[Track, ...]
    known: Probe
    picture: tuple[int, int]
    start: Fraction | None
    times: tuple[Fraction, ...] | None = None
    ends: Fraction | None = None
    is_continued: bool = False
    restarts: bool = False
    begin: Fraction | None = None
    end: Fraction | None = None
    skipped: Fraction = Fraction(0)


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


def open_source(
    path: Path, *, turn_upright: bool = True, on_index: Callable[[int], None] | None = None
) -> ClipSource:
    """Open a file's first video track.

    The first time, BestSource decodes the whole file to index it; the index of a
    long file is kept in `cache_dir`, so that later opens are quick.

    A track whose timestamps don't follow its frame rate has a variable one, and
    every frame its own time. Times that are missing or don't rise are made up
    (see `clip_times`).

    Args:
        path: The file.
        turn_upright: Apply a rotation tag to the picture; else it stays as the
            frame properties ``Rotation`` and ``FlipVertical``.
        on_index: Called with percentages while the file is indexed. An
            interruption waits until the indexing is done.

    Raises:
        InputError: The file is unusable, or has no video track.
        BackendError: VapourSynth has not loaded the plugin that opens files.
    """
    path = path.absolute()
    check_input(path)
    if not hasattr(vs.core, "bs"):
        raise BackendError(
            "VapourSynth could not load its plugin BestSource, which opens files, and has said why; "
            "raise the limit of memory (ulimit -v), or install vapoursynth-bestsource again"
        )
    try:
        tracks = _tracks(path)
        track = _first_video(path, tracks)
        with _index_progress(on_index):
            clip, ticks = _open(path, track, turn_upright)
            fps = _repeated_rate(clip, path, track) if ticks.are_unknown else clip.fps
    except vs.Error as error:
        reason = str(error).partition(": ")[2] or error
        raise InputError(f"INPUT {str(path)!r} cannot be opened as a video: {reason}") from None
    ffmpeg = find_ffmpeg()
    known = probe(ffmpeg, path, track.index)
    stream = known.streams.get(track.index)
    with clip.get_frame(0) as frame:
        check_dolby_vision(stream, frame.props)
    picture = (clip.width, clip.height)
    if stream and not is_varying(clip):
        clip, picture = complete_clip(ffmpeg, path, clip, stream, turned=turn_upright)
    if stream:
        clip = with_display_aspect(clip, stream, turned=turn_upright)
    shown = clip_times(ffmpeg, path, track.index, fps, ticks, known.start or Fraction(0))
    if shown.fps != clip.fps:
        clip = vs.core.std.AssumeFPS(clip, fpsnum=shown.fps.numerator, fpsden=shown.fps.denominator)
    return ClipSource(
        path=path,
        clip=clip,
        track=track,
        others=tuple(
            replace(other, info=known.streams.get(other.index)) for other in tracks if other is not track
        ),
        known=known,
        picture=picture,
        start=shown.start,
        times=shown.times,
        ends=shown.ends,
        is_continued=shown.is_continued,
        restarts=shown.restarts,
    )


def _tracks(path: Path) -> list[Track]:
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


def _first_video(path: Path, tracks: list[Track]) -> Track:
    for track in tracks:
        if track.kind == "video" and not track.cover and track.codec not in _TEXT_AS_VIDEO:
            return track
    kinds = {
        "text" if track.codec in _TEXT_AS_VIDEO else "cover picture" if track.cover else track.kind
        for track in tracks
    }
    found = ", ".join(sorted(kinds)) or "a header"
    raise InputError(f"INPUT {str(path)!r} has no video track, only {found}; give a video file")


def _open(path: Path, track: Track, turn_upright: bool) -> tuple[vs.VideoNode, Ticks]:
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


def _repeated_rate(clip: vs.VideoNode, path: Path, track: Track) -> Fraction:
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
def _index_progress(on_index: Callable[[int], None] | None) -> Iterator[None]:
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
