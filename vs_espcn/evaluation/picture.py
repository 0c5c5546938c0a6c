"""Parts of one image side by side, as a PNG file: the original and what each method made of it."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import Luma, first_luma, measuring, to_clip
from vs_espcn.evaluation.images import degrade, read_measured_luma
from vs_espcn.evaluation.methods import Method
from vs_espcn.evaluation.scores import EXACT_COPY
from vs_espcn.training.metrics import mod_crop, psnr

_PART_WIDTH = 200  # about how wide a part is shown, if it is smaller
_LABEL_HEIGHT, _GAP, _FONT_SIZE = 36, 6, 12


@dataclass(frozen=True)
class Crop:
    """Part of an image, in pixels of the original."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """Read ``X,Y,WIDTH,HEIGHT``.

        Raises:
            InputError: `text` is something else, or the part is empty.
        """
        parts = text.split(",")
        if len(parts) != 4 or not all(re.fullmatch(r"\s*[0-9]{1,6}\s*", part) for part in parts):
            raise InputError(
                f"crop {text[:40]!r} is not X,Y,WIDTH,HEIGHT in whole pixels, such as 40,60,64,48"
            )
        crop = cls(*(int(part) for part in parts))
        if not crop.width or not crop.height:
            raise InputError(f"crop {text!r} is empty; give a width and a height of 1 or more")
        return crop

    def of(self, luma: Luma) -> Luma:
        """Cut the part out.

        Raises:
            InputError: It reaches beyond the image.
        """
        height, width = luma.shape
        if self.x + self.width > width or self.y + self.height > height:
            raise InputError(
                f"crop {self.x},{self.y},{self.width},{self.height} reaches beyond the image, "
                f"which is {width}x{height} when cropped to a multiple of the scale"
            )
        return luma[self.y : self.y + self.height, self.x : self.x + self.width]


def draw_side_by_side(
    path: Path, crops: Sequence[Crop], methods: Sequence[Method], scales: Sequence[int]
) -> bytes:
    """Draw a row for each scale and crop: the original, then each method, with the PSNR of the part.

    Small parts are enlarged by repeating pixels. Luma codes are shown as they are.

    Args:
        path: The image.
        crops: Its parts; none for the whole image.
        methods: What is compared.
        scales: Integer scales.

    Returns:
        A PNG file.

    Raises:
        InputError: The image cannot be read, a crop does not fit, or a network cannot run.
    """
    luma = read_measured_luma(path)
    rows = []
    for scale in scales:
        truth = mod_crop(luma, scale)
        if not truth.size:
            raise InputError(f"{path} is {luma.shape[1]}x{luma.shape[0]}; x{scale} needs a larger image")
        low = to_clip(degrade(truth, scale))
        with measuring(path):
            results = {m.name: first_luma(m.upscale(low, scale)) for m in methods if m.has(scale)}
        for crop in crops or [Crop(0, 0, truth.shape[1], truth.shape[0])]:
            part = crop.of(truth)
            cells = [(f"original\nx{scale} at {crop.x},{crop.y}", part)]
            for name, result in results.items():
                made = crop.of(result)
                cells.append((f"{name}\n{min(psnr(made, part), EXACT_COPY):.2f} dB", made))
            rows.append([_labelled(text, shown) for text, shown in cells])
    return _stacked(rows)


def _labelled(text: str, luma: Luma) -> Image.Image:
    zoom = max(1, round(_PART_WIDTH / luma.shape[1]))
    pixels = np.repeat(np.repeat(luma, zoom, axis=0), zoom, axis=1)
    font = ImageFont.load_default(_FONT_SIZE)
    text_width = max(round(font.getlength(line)) for line in text.splitlines())
    cell = Image.new("L", (max(pixels.shape[1], text_width + 4), pixels.shape[0] + _LABEL_HEIGHT), 255)
    ImageDraw.Draw(cell).multiline_text((2, 2), text, fill=0, font=font)
    cell.paste(Image.fromarray(pixels), (0, _LABEL_HEIGHT))
    return cell


def _stacked(rows: Sequence[Sequence[Image.Image]]) -> bytes:
    width = max(sum(cell.width + _GAP for cell in row) for row in rows) + _GAP
    height = sum(max(cell.height for cell in row) + _GAP for row in rows) + _GAP
    picture = Image.new("L", (width, height), 255)
    y = _GAP
    for row in rows:
        x = _GAP
        for cell in row:
            picture.paste(cell, (x, y))
            x += cell.width + _GAP
        y += max(cell.height for cell in row) + _GAP
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
