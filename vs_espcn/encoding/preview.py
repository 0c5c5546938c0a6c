"""A contact sheet: frames across a clip, each by bicubic beside the result."""

from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.encode import disk_errors, frame_errors
from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.errors import InputError
from vs_espcn.filter.rgb import usual_matrix
from vs_espcn.streaming.frame_output import packed

_WIDTH, _HEIGHT = 960, 540
"""The most that is shown of a picture: its middle, pixel for pixel."""

_CAPTION = 40


def frames_across(frames: int, count: int) -> list[int]:
    """The middle frames of `count` equal parts of a clip.

    Args:
        frames: Frames of the clip.
        count: How many to choose; at most `frames` are.

    Raises:
        InputError: `count` is no positive number.
    """
    if count < 1:
        raise InputError(f"preview is {count}; give 1 or more")
    count = min(count, frames)
    return [(2 * number + 1) * frames // (2 * count) for number in range(count)]


def contact_sheet(source: vs.VideoNode, result: vs.VideoNode, numbers: list[int]) -> vs.VideoNode:
    """One picture: a row for each frame, bicubic on the left, the result on the right.

    Args:
        source: The source, GRAY or YUV.
        result: The same frames upscaled.
        numbers: Frames to show, at least one.

    Returns:
        A clip of one frame, RGB24. Large pictures are cropped to their middle,
        nothing is scaled for showing.
    """
    bicubic = vs.core.resize.Bicubic(source, width=result.width, height=result.height)
    rows = []
    for number in numbers:
        pair = [
            _tile(clip[number], f"frame {number}: {name}")
            for clip, name in ((bicubic, "bicubic"), (result, "vs-espcn"))
        ]
        rows.append(vs.core.std.StackHorizontal(pair))
    return vs.core.std.StackVertical(rows)


def write_png(picture: vs.VideoNode, path: Path, ffmpeg: Ffmpeg, *, overwrite: bool) -> None:
    """Write the first frame of an RGB24 clip as PNG.

    Raises:
        EncodeError: The frame could not be made, or the file not written.
        InputError: Another run is writing it.
    """
    size = f"{picture.width}x{picture.height}"
    arguments = [
        *("-f", "rawvideo", "-pix_fmt", "gbrp", "-s", size, "-i", "pipe:0"),
        *("-frames:v", "1", "-pix_fmt", "rgb24", "-c:v", "png", "-f", "image2pipe"),
    ]
    with frame_errors(), disk_errors(path), partial_file(path) as part:
        with (
            picture.get_frame(0) as frame,
            FfmpegProcess(ffmpeg.path, [*arguments, f"file:{part}"]) as encoder,
        ):
            red, green, blue = (packed(plane) for plane in frame)
            encoder.feed(buffers for buffers in ([green, blue, red],))
            encoder.finish(1)
        publish(part, path, overwrite=overwrite)


def as_rgb(clip: vs.VideoNode) -> vs.VideoNode:
    """A clip as a screen shows it, RGB24."""
    if clip.format.color_family == vs.RGB:
        return vs.core.resize.Bicubic(clip, format=vs.RGB24)
    return vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=_matrix(clip))


def captioned(picture: vs.VideoNode, caption: str) -> vs.VideoNode:
    """An RGB24 clip with a line of text above."""
    return vs.core.text.Text(vs.core.std.AddBorders(picture, top=_CAPTION), caption, alignment=7)


def _tile(clip: vs.VideoNode, caption: str) -> vs.VideoNode:
    """One picture with its caption above."""
    shown = as_rgb(clip)
    width, height = min(shown.width, _WIDTH), min(shown.height, _HEIGHT)
    left, top = (shown.width - width) // 2, (shown.height - height) // 2
    return captioned(vs.core.std.CropAbs(shown, width, height, left, top), caption)


def _matrix(clip: vs.VideoNode) -> int | None:
    """The matrix to assume where the clip names none: BT.709 for HD, else BT.601."""
    if clip.get_frame(0).props.get("_Matrix", vs.MATRIX_UNSPECIFIED) != vs.MATRIX_UNSPECIFIED:
        return None
    return usual_matrix(clip.width, clip.height)
