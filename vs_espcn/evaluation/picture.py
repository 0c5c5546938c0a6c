"""Draw areas of one image side by side: the original and each method's result."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vs_espcn.encoding.side_by_side import enlarged, parse_crop, side_by_side
from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import first_luma, measuring, to_clip
from vs_espcn.evaluation.images import degrade, read_measured_luma
from vs_espcn.evaluation.methods import Method
from vs_espcn.evaluation.scores import EXACT_COPY
from vs_espcn.training.metrics import mod_crop, psnr

_SIDE = 200  # about how large an area is shown, if it is smaller


def draw_methods(
    path: Path, crops: Sequence[str], methods: Sequence[Method], scales: Sequence[int]
) -> Image.Image:
    """Draw a row for each scale and area: the original, then each method with its PSNR in that area.

    Small areas are enlarged by repeating pixels. Luma codes are shown as they are.

    Args:
        path: The image.
        crops: Areas of the original, ``WxH`` or ``WxH+X+Y``; none for the whole image.
        methods: The methods to compare.
        scales: Integer scales.

    Raises:
        InputError: The image cannot be read, a crop does not fit, or a network cannot run.
    """
    luma = read_measured_luma(path)
    rows = []
    for scale in scales:
        truth = mod_crop(luma, scale)
        if not truth.size:
            raise InputError(f"{path} is {luma.shape[1]}x{luma.shape[0]}; x{scale} needs a larger image")
        height, width = truth.shape
        areas = [parse_crop(text, width, height) for text in crops or [f"{width}x{height}"]]
        low = to_clip(degrade(truth, scale))
        with measuring(path):
            results = {m.name: first_luma(m.upscale(low, scale)) for m in methods if m.has(scale)}
        for area in areas:
            part = area.of(Image.fromarray(truth))
            row = {f"original\nx{scale} at {area.x},{area.y}": part}
            for name, result in results.items():
                made = area.of(Image.fromarray(result))
                row[f"{name}\n{min(psnr(np.asarray(made), np.asarray(part)), EXACT_COPY):.2f} dB"] = made
            rows.append({name: enlarged(shown, _SIDE) for name, shown in row.items()})
    return side_by_side(rows)
