"""Draw a scene for measurements that need no file."""

import math

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 480, 360
OVERSAMPLING = 4
INK, PAPER, SKY, HILL, SUN = 38, 222, 178, 92, 240


def draw_scene() -> Image.Image:
    """Draw a grey poster of things that are hard to upscale: type, thin lines, circles, hatching, foliage."""
    size = OVERSAMPLING
    scene = Image.new("L", (WIDTH * size, HEIGHT * size), SKY)
    draw = ImageDraw.Draw(scene)

    def at(*values: float) -> list[float]:
        return [value * size for value in values]

    for y in range(HEIGHT * size // 2):
        draw.line([0, y, WIDTH * size, y], fill=round(SKY - 60 * y / (HEIGHT * size // 2) + 30))
    draw.ellipse(at(330, 30, 430, 130), fill=SUN)
    for ray in range(24):
        angle = ray * math.pi / 12
        cos, sin = math.cos(angle), math.sin(angle)
        draw.line(at(380 + 56 * cos, 80 + 56 * sin, 380 + 74 * cos, 80 + 74 * sin), fill=SUN, width=2 * size)
    for start, height, shade in ((-60, 130, 120), (120, 165, HILL), (290, 110, 106)):
        peak = [start + 130, 290 - height]
        draw.polygon(at(start, 290, *peak, start + 260, 290), fill=shade)
        draw.line(at(start, 290, *peak, start + 260, 290), fill=INK, width=size, joint="curve")
        for step in range(5, 60, 5):
            draw.line(
                at(peak[0], peak[1] + step, peak[0] + step, peak[1] + 1.7 * step), fill=INK, width=size // 2
            )
    draw.rectangle(at(0, 290, WIDTH, HEIGHT), fill=PAPER)
    for step in range(0, 120, 6):
        draw.line(at(360 + step, 295, 360 + step, 355), fill=INK, width=round(size * (0.5 + step / 80)))
    draw_tree(draw, 70 * size, 292 * size, -math.pi / 2, 34 * size, 7)
    draw.text(at(20, 300), "Sub-pixel", fill=INK, font=ImageFont.load_default(30 * size))
    draw.text(at(170, 302), "luma 16–235  ·  4:2:0", fill=INK, font=ImageFont.load_default(15 * size))
    draw.text(at(170, 326), "drawn by a script", fill=INK, font=ImageFont.load_default(13 * size))
    return scene.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def draw_tree(draw: ImageDraw.ImageDraw, x: float, y: float, angle: float, length: float, depth: int) -> None:
    """Draw branches that fork until they are as thin as a pixel."""
    end_x, end_y = x + length * math.cos(angle), y + length * math.sin(angle)
    draw.line([x, y, end_x, end_y], fill=INK, width=max(1, depth * OVERSAMPLING // 3))
    if depth:
        for turn in (-0.45, 0.38):
            draw_tree(draw, end_x, end_y, angle + turn, length * 0.78, depth - 1)


def to_clip(luma: NDArray[np.uint8]) -> vs.VideoNode:
    """Return a clip of one GRAY8 frame from luma (height, width)."""
    frame = vs.core.create_video_frame(vs.core.get_video_format(vs.GRAY8), luma.shape[1], luma.shape[0])
    np.copyto(np.asarray(frame[0]), luma)
    blank = vs.core.std.BlankClip(width=luma.shape[1], height=luma.shape[0], format=vs.GRAY8, length=1)
    return vs.core.std.ModifyFrame(blank, blank, lambda n, f: frame)  # noqa: ARG005 - VapourSynth's names
