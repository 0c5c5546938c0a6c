"""Named pictures side by side, areas of pictures, and their files."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vapoursynth as vs
from PIL import Image, ImageDraw, ImageFont

from vs_espcn.encoding.encode_errors import disk_errors, frame_errors
from vs_espcn.encoding.output_file import partial_file, publish
from vs_espcn.errors import InputError
from vs_espcn.filter.rgb import usual_matrix

_GAP = 6  # around every cell
_FONT_SIZE, _LINE_HEIGHT, _MARGIN = 15, 20, 4  # of captions


@dataclass(frozen=True, kw_only=True)
class CropArea:
    """A rectangle of a picture, in samples.

    Attributes:
        width: Its width.
        height: Its height.
        x: Of its left edge.
        y: Of its upper edge.
    """

    width: int
    height: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"

    def of(self, picture: Image.Image, scale: int = 1) -> Image.Image:
        """Cut the area out of a picture that is `scale` times as large as the one it was given for."""
        left, top = self.x * scale, self.y * scale
        return picture.crop((left, top, left + self.width * scale, top + self.height * scale))


def parse_crop(text: str, width: int, height: int) -> CropArea:
    """Read ``WxH+X+Y``, or ``WxH`` for the middle.

    Args:
        text: As it was typed.
        width: Width of the picture.
        height: Height of the picture.

    Raises:
        InputError: `text` is something else, or the area is empty or reaches beyond the picture.
    """
    found = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})(?:\+([0-9]{1,6})\+([0-9]{1,6}))?", text)
    if not found or not int(found[1]) or not int(found[2]):
        raise InputError(
            f"crop {text[:40]!r} is not understood; give WxH or WxH+X+Y in samples, such as 160x120+40+60"
        )
    middle = (width - int(found[1])) // 2, (height - int(found[2])) // 2
    x, y = middle if found[3] is None else (int(found[3]), int(found[4]))
    area = CropArea(width=int(found[1]), height=int(found[2]), x=x, y=y)
    if area.x < 0 or area.y < 0 or area.x + area.width > width or area.y + area.height > height:
        raise InputError(f"crop {text!r} reaches beyond the picture, which is {width}x{height}")
    return area


def frame_picture(clip: vs.VideoNode, number: int = 0) -> Image.Image:
    """Return a frame as a screen shows it.

    Args:
        clip: Of any format. Where a YUV clip names no matrix, it is BT.709 for HD, else BT.601.
        number: Of the frame.

    Returns:
        An RGB picture, 8 bits a sample.

    Raises:
        EncodeError: The frame could not be made.
    """
    with frame_errors():
        matrix = None if clip.format.color_family == vs.RGB else assumed_matrix(clip, number)
        with vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=matrix).get_frame(number) as frame:
            return Image.fromarray(np.dstack([np.asarray(plane) for plane in frame]))


def enlarged(picture: Image.Image, side: int) -> Image.Image:
    """Repeat samples by the whole number that brings the picture's longer side closest to `side`."""
    zoom = max(1, min(round(side / picture.width), round(side / picture.height)))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def side_by_side(rows: Sequence[Mapping[str, Image.Image]]) -> Image.Image:
    """Lay out named pictures as a table on black, each under its name.

    Args:
        rows: At least one, of at least one picture each: its caption, of one
            or more lines, and the picture, grey ("L") or "RGB".

    Returns:
        One picture: grey if all are.

    Example:
        >>> side_by_side([{"bicubic": frame_picture(bicubic), "espcn": frame_picture(espcn)}])
    """
    cells = [[_captioned(name, picture) for name, picture in row.items()] for row in rows]
    columns = max(len(row) for row in cells)
    widths = [max(row[index].width for row in cells if index < len(row)) for index in range(columns)]
    heights = [max(cell.height for cell in row) for row in cells]
    mode = "L" if all(cell.mode == "L" for row in cells for cell in row) else "RGB"
    size = sum(widths) + _GAP * (columns + 1), sum(heights) + _GAP * (len(rows) + 1)
    table = Image.new(mode, size, "black")
    for row_number, row in enumerate(cells):
        top = sum(heights[:row_number]) + _GAP * (row_number + 1)
        for column, cell in enumerate(row):
            table.paste(cell, (sum(widths[:column]) + _GAP * (column + 1), top))
    return table


def png(picture: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def write_whole(data: bytes, path: Path, *, overwrite: bool) -> None:
    """Write a file, whole or not at all.

    Raises:
        EncodeError: The file could not be written.
        InputError: Another run is writing it.
    """
    with disk_errors(path), partial_file(path) as part:
        part.write_bytes(data)
        publish(part, path, overwrite=overwrite)


def _captioned(caption: str, picture: Image.Image) -> Image.Image:
    """A picture below its caption, and at least as wide as that."""
    lines = caption.splitlines()
    font = ImageFont.load_default(_FONT_SIZE)
    width = max(picture.width, *(round(font.getlength(line)) + _MARGIN for line in lines))
    top = _LINE_HEIGHT * len(lines) + _MARGIN
    cell = Image.new(picture.mode, (width, top + picture.height), "black")
    for number, line in enumerate(lines):
        ImageDraw.Draw(cell).text((0, number * _LINE_HEIGHT), line, fill="white", font=font)
    cell.paste(picture, (0, top))
    return cell


def assumed_matrix(clip: vs.VideoNode, number: int) -> int | None:
    """Return the matrix to assume where a frame names none."""
    with clip.get_frame(number) as frame:
        named = frame.props.get("_Matrix", vs.MATRIX_UNSPECIFIED) != vs.MATRIX_UNSPECIFIED
    return None if named else usual_matrix(clip.width, clip.height)
