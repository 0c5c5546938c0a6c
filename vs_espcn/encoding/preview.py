"""Frames across a clip, each by bicubic beside the result: a contact sheet, or a page."""

from collections.abc import Iterator, Sequence

import vapoursynth as vs
from PIL import Image

from vs_espcn.encoding.side_by_side import frame_picture, parse_crop, side_by_side
from vs_espcn.errors import InputError

_WIDTH, _HEIGHT = 960, 540
"""The most that is shown of a picture: its middle, pixel for pixel."""


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


def preview_pictures(
    source: vs.VideoNode, result: vs.VideoNode, numbers: Sequence[int]
) -> Iterator[tuple[str, dict[str, Image.Image]]]:
    """Pictures of frames, by bicubic and as upscaled.

    Args:
        source: The source, GRAY, YUV or RGB.
        result: The same frames upscaled.
        numbers: Frames to show.

    Yields:
        A label of each frame, and its RGB pictures by name. Large frames are
        cropped to their middle, nothing is scaled for showing.

    Raises:
        EncodeError: A frame could not be made.
    """
    bicubic = vs.core.resize.Bicubic(source, width=result.width, height=result.height)
    size = f"{min(result.width, _WIDTH)}x{min(result.height, _HEIGHT)}"
    area = parse_crop(size, result.width, result.height)
    for number in numbers:
        clips = {"bicubic": bicubic, "vs-espcn": result}
        yield (
            f"frame {number}",
            {name: area.of(frame_picture(clip, number)) for name, clip in clips.items()},
        )


def contact_sheet(source: vs.VideoNode, result: vs.VideoNode, numbers: Sequence[int]) -> Image.Image:
    """Lay out what `preview_pictures` gives: a row for each frame, at least one."""
    return side_by_side(
        [
            {f"{frame}: {name}": picture for name, picture in pictures.items()}
            for frame, pictures in preview_pictures(source, result, numbers)
        ]
    )
