"""A long encode in segments: what is finished survives a kill, and can be made elsewhere.

The clip is cut every so many frames. Each segment is encoded on its own, into a
file that gets its name only when it is whole; so each begins with a key frame,
and which segments exist is all the state there is. At the end they are joined
without encoding anything again, and everything but the video comes from the
source, once. MOV or MP4 holds the segments, whatever the output is: they take
nearly every codec, with exact times.

An encoder that spends its bits over the whole film decides differently when it
gets it in segments; the result is the same as that of an unbroken run in
segments, not as that of one in one piece.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from vs_espcn.encoding.colour_args import frame_options
from vs_espcn.encoding.encode_errors import disk_errors, frame_errors
from vs_espcn.encoding.encode_plan import EncodePlan
from vs_espcn.encoding.ffmpeg_input import (
    PipeInput,
    clock_options,
    last_duration_options,
    pipe_input,
    seconds,
)
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess, command_line
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.encoding.segment_folder import (
    LISTING,
    claim_folder,
    missing_segments,
    remove_folder,
    segment_path,
    segments_folder,
)
from vs_espcn.encoding.time_check import check_times
from vs_espcn.file_writing import replace_file
from vs_espcn.version import __version__

SEGMENT_FRAMES = 500
"""Frames of a segment: twice x264's longest distance of key frames, so that cutting costs few bits."""

_FILTERS = frozenset({"-vf", "-filter", "-filter:v", "-filter:v:0"})


def split_frames(frames: int, length: int = SEGMENT_FRAMES) -> list[range]:
    """Cut `frames` frames into ranges of `length`, of which the last may be shorter."""
    return [range(first, min(first + length, frames)) for first in range(0, frames, length)]


def encode_segment(
    encode_plan: EncodePlan, frames: range, path: Path, *, on_frame: Callable[[int], None] | None = None
) -> None:
    """Encode a range of the frames, without sound or anything else.

    Args:
        encode_plan: From `plan_encode`; in another process, from the same arguments.
        frames: Consecutive frames.
        path: The file to write; it is replaced if it exists.
        on_frame: Called with the number of frames handed to ffmpeg after each.

    Raises:
        EncodeError: As by `encode`.
        InputError: Another process is writing the same file.
    """
    with frame_errors(), disk_errors(path), partial_file(path) as part:
        with FfmpegProcess(
            encode_plan.destination.ffmpeg.path, _segment_arguments(encode_plan, frames, part)
        ) as encoder:
            encoder.feed(_segment_feed(encode_plan, frames).frames(), on_frame=on_frame)
            encoder.finish(len(frames))
        check_times(encode_plan.destination.ffmpeg, part, [encode_plan.shown(frame) for frame in frames])
        publish(part, path, overwrite=True)


def join_segments(encode_plan: EncodePlan, folder: Path, segments: Sequence[range], output: Path) -> None:
    """Join finished segments, and add everything else from the source.

    Args:
        encode_plan: The plan with which the segments were encoded.
        folder: Where they are, see `segment_path`.
        segments: All of them in order.
        output: The file to write; it is replaced if it exists.

    Raises:
        EncodeError: ffmpeg failed, or a frame is not shown at its time.
    """
    lines = ["ffconcat version 1.0"]
    for segment in segments:
        lines.append(f"file {segment_path(folder, segment).name}")
        lines.append(
            f"duration {seconds(encode_plan.shown(segment.stop) - encode_plan.shown(segment.start))}"
        )
    replace_file(folder / LISTING, ("\n".join(lines) + "\n").encode())
    with FfmpegProcess(
        encode_plan.destination.ffmpeg.path, _join_arguments(encode_plan, output), folder=folder
    ) as joiner:
        joiner.finish(encode_plan.clip.num_frames)
    check_times(
        encode_plan.destination.ffmpeg,
        output,
        [encode_plan.shown(frame) for frame in range(encode_plan.clip.num_frames)],
    )


def commands(encode_plan: EncodePlan, length: int = SEGMENT_FRAMES) -> list[list[str]]:
    """Return the command lines of an encode in segments, except that they write to the files' own names.

    The last one runs in the segments' folder. On Windows ``cd`` would stay on its drive.
    """
    folder = segments_folder(encode_plan.destination.path)
    steps = [
        _segment_arguments(encode_plan, segment, segment_path(folder, segment))
        for segment in split_frames(encode_plan.clip.num_frames, length)
    ]
    lines = [command_line(encode_plan.destination.ffmpeg.path, step) for step in steps]
    join = command_line(
        encode_plan.destination.ffmpeg.path, _join_arguments(encode_plan, encode_plan.destination.path)
    )
    return [*lines, ["pushd" if sys.platform == "win32" else "cd", str(folder)], join]


def encode_in_segments(
    encode_plan: EncodePlan,
    *,
    settings: Mapping[str, Any],
    length: int = SEGMENT_FRAMES,
    elsewhere: Callable[[Path, Sequence[range]], Iterable[range]] | None = None,
    on_done: Callable[[int], None] | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Write the file that was planned, in segments; go on where a killed run was.

    The segments lie beside the output in a folder of its name and ``.segments``
    until the output is whole.

    Args:
        encode_plan: From `plan_encode`.
        settings: Whatever else decides how the frames look, as JSON.
        length: Frames of a segment.
        elsewhere: Given the folder and the segments that are missing, has other
            processes encode them (see `encode_segment`), in any order, and
            yields each when it is there. None encodes them here, one by one.
        on_done: Called once with the number of frames that an earlier run finished.
        on_frame: Called with the number of frames that are done after each; after
            each segment, when they are encoded elsewhere.

    Raises:
        EncodeError: As by `encode`; finished segments stay.
        InputError: Another run is writing the same output, the segments there are
            of another encode, or their folder cannot be trusted (see `claim_folder`).
    """
    destination = encode_plan.destination
    folder = segments_folder(destination.path)
    segments = split_frames(encode_plan.clip.num_frames, length)
    with disk_errors(destination.path), partial_file(destination.path) as part:
        claim_folder(folder, _identity(encode_plan, settings, length), owner=part.lstat().st_uid)
        try:
            missing = missing_segments(folder, segments)
            done = encode_plan.clip.num_frames - sum(map(len, missing))
            if on_done:
                on_done(done)
            if elsewhere:
                _count_segments(elsewhere(folder, missing), done, on_frame)
            else:
                _encode_here(encode_plan, folder, missing, done, on_frame)
            join_segments(encode_plan, folder, segments, part)
        finally:
            if missing_segments(folder, segments) == segments:
                remove_folder(folder)
        publish(part, destination.path, overwrite=destination.overwrite)
        remove_folder(folder)


def _encode_here(
    encode_plan: EncodePlan,
    folder: Path,
    segments: Iterable[range],
    done: int,
    on_frame: Callable[[int], None] | None,
) -> None:
    """Encode segments one by one, and report after each frame how many are done in all."""
    for segment in segments:
        encode_segment(
            encode_plan, segment, segment_path(folder, segment), on_frame=_continued(on_frame, done)
        )
        done += len(segment)


def _count_segments(finished: Iterable[range], done: int, on_frame: Callable[[int], None] | None) -> None:
    """Wait for segments, and report after each how many frames are done in all."""
    for segment in finished:
        done += len(segment)
        if on_frame:
            on_frame(done)


def _continued(on_frame: Callable[[int], None] | None, done: int) -> Callable[[int], None] | None:
    """A callback that counts a segment's frames on from `done`."""
    return (lambda number: on_frame(done + number)) if on_frame else None


def _muxer(encode_plan: EncodePlan) -> str:
    """What holds the segments of an encoder: MOV takes no VP9 and no AV1, MP4 no ProRes and no FFV1.

    Only Matroska holds alpha of VP8 and VP9, and rounds times to milliseconds, as its outputs do.
    """
    if "libvpx" in encode_plan.encoder and "_Alpha" in encode_plan.first.props:
        return "matroska"
    return "mp4" if "vp9" in encode_plan.encoder or "av1" in encode_plan.encoder else "mov"


def _segment_feed(encode_plan: EncodePlan, frames: range) -> PipeInput:
    times = encode_plan.source.times[frames.start : frames.stop] if encode_plan.source.times else None
    ends = encode_plan.shown(frames.stop) if times else None
    # The film's first frame speaks for all: were segments tagged differently, they could not be joined.
    return pipe_input(encode_plan.clip[frames.start : frames.stop], encode_plan.first, times, ends)


def _segment_arguments(encode_plan: EncodePlan, frames: range, path: Path) -> list[str]:
    """Options of ffmpeg for one segment: the video alone."""
    feed, muxer = _segment_feed(encode_plan, frames), _muxer(encode_plan)
    return [
        *("-copyts", *feed.options, *clock_options(encode_plan.source.times)),
        *last_duration_options(encode_plan.destination.ffmpeg, muxer, feed, Fraction(0)),
        *("-map", "0:v:0", *encode_plan.video, "-f", muxer, "-strict", "experimental", *encode_plan.user),
        f"file:{path}",
    ]


def _join_arguments(encode_plan: EncodePlan, output: Path) -> list[str]:
    """Options of ffmpeg that join the segments; colours are repeated, as not all codecs carry them."""
    colours = {name: value for name, value in encode_plan.first.props.items() if name.startswith("_")}
    return [
        *(*encode_plan.timeline.global_options, "-itsoffset", seconds(encode_plan.timeline.delay)),
        *("-f", "concat", "-safe", "0"),
        *("-i", f"file:{LISTING}", *encode_plan.source_input),
        *(*encode_plan.streams.args, *encode_plan.timeline.output_options, *encode_plan.sound),
        *(
            *encode_plan.container,
            *_without_filters(encode_plan.user),
            "-c:v:0",
            "copy",
            *frame_options(colours),
        ),
        *(f"file:{output}", *encode_plan.timeline.clock_output),
    ]


def _identity(encode_plan: EncodePlan, settings: Mapping[str, Any], length: int) -> dict[str, object]:
    """All that decides how segments look."""
    status = encode_plan.source.path.stat()
    begin, end = encode_plan.source.begin, encode_plan.source.end
    return {
        "version": __version__,
        "ffmpeg": encode_plan.destination.ffmpeg.version,
        "source": [status.st_size, status.st_mtime_ns],
        "part": [str(begin), str(end)],
        "clip": [
            encode_plan.clip.format.name,
            encode_plan.clip.width,
            encode_plan.clip.height,
            encode_plan.clip.num_frames,
        ],
        "rate": str(encode_plan.clip.fps),
        "segment": length,
        "encoder": [*encode_plan.video, *encode_plan.user],
        "settings": dict(settings),
    }


def _without_filters(args: Sequence[str]) -> list[str]:
    """The user's options without video filters, which have done their work on the segments."""
    kept, skip = [], False
    for argument in args:
        if not skip and argument not in _FILTERS:
            kept.append(argument)
        skip = not skip and argument in _FILTERS
    return kept
