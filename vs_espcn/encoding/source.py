"""Opening a video file as a clip, with what is known of its times and its other tracks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.bestsource import (
    Track,
    find_tracks,
    first_video,
    index_progress,
    open_track,
    repeated_rate,
)
from vs_espcn.encoding.clip_times import clip_times
from vs_espcn.encoding.display_aspect import with_display_aspect
from vs_espcn.encoding.dynamic_hdr import check_dolby_vision
from vs_espcn.encoding.ffmpeg import Probe, find_ffmpeg, probe
from vs_espcn.encoding.ffmpeg_clip import complete_clip
from vs_espcn.encoding.input_check import check_input
from vs_espcn.errors import BackendError, InputError
from vs_espcn.filter.variable_format import is_varying


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
        reads_picture: Whether ffmpeg reads the picture beside the sound for that.
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
    reads_picture: bool = False
    restarts: bool = False
    begin: Fraction | None = None
    end: Fraction | None = None
    skipped: Fraction = Fraction(0)


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
    _check_plugin()
    try:
        tracks = find_tracks(path)
        track = first_video(path, tracks)
        with index_progress(on_index):
            clip, ticks = open_track(path, track, turn_upright)
            fps = repeated_rate(clip, path, track) if ticks.are_unknown else clip.fps
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
    shown = clip_times(ffmpeg, path, track.index, fps, ticks)
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
        reads_picture=shown.reads_picture,
        restarts=shown.restarts,
    )


def _check_plugin() -> None:
    if not hasattr(vs.core, "bs"):
        raise BackendError(
            "VapourSynth could not load its plugin BestSource, which opens files, and has said why; "
            "raise the limit of memory (ulimit -v), or install vapoursynth-bestsource again"
        )
