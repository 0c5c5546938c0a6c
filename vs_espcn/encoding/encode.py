"""Encoding a clip: a pipe into ffmpeg's standard input, a checked file out.

The pipe carries y4m, or, where every frame has its own time, raw video in Matroska.

The file is written under a hidden name beside the output (see `output_file`) and takes
the output's name only when everything went well: ffmpeg ended without an error,
wrote as many frames as the clip has, each at its time, and the file is on the disk.
"""

from collections.abc import Callable

from vs_espcn.encoding.encode_errors import disk_errors, frame_errors
from vs_espcn.encoding.encode_plan import EncodePlan
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess, command_line
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.encoding.time_check import check_times


def command(encode_plan: EncodePlan) -> list[str]:
    """Return the exact command line of an encode, except that it writes to the output's own name."""
    return command_line(
        encode_plan.destination.ffmpeg.path, encode_plan.arguments(encode_plan.destination.path)
    )


def encode(encode_plan: EncodePlan, *, on_frame: Callable[[int], None] | None = None) -> None:
    """Write the file that was planned.

    Args:
        encode_plan: From `plan_encode`.
        on_frame: Called with the number of frames handed to ffmpeg after each.

    Raises:
        EncodeError: A frame could not be made, ffmpeg failed or wrote too few
            frames or wrong times, the disk is full, or a file took the output's name in the
            meantime.
        InputError: Another run is writing the same output.
    """
    destination = encode_plan.destination
    with frame_errors(), disk_errors(destination.path), partial_file(destination.path) as part:
        with FfmpegProcess(destination.ffmpeg.path, encode_plan.arguments(part)) as encoder:
            encoder.feed(encode_plan.feed.frames(), on_frame=on_frame)
            encoder.finish(encode_plan.clip.num_frames)
        check_times(
            destination.ffmpeg,
            part,
            [encode_plan.shown(frame) for frame in range(encode_plan.clip.num_frames)],
        )
        publish(part, destination.path, overwrite=destination.overwrite)
