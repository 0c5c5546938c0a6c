"""Drawings to train on: figures, streets, pages of comics and plain shapes, made of lines and flat areas.

Few drawn frames may be used freely, and what a network must learn of them is
simple: lines that swell and taper, edges between flat tones, shadows with hard
edges, gradients, hatching, screentone, letters. So they are drawn at random.
The same seed gives the same drawing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vs_espcn.training.data.figure import Place, draw_figure
from vs_espcn.training.data.pen import Canvas, Points, at, curve
from vs_espcn.training.data.textures import blob, hatch, letters, rays, screentone

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Ink:
    """The lines of one drawing: their grey and their width in pixels."""

    tone: float
    width: float


def draw(seed: int) -> NDArray[np.uint8]:
    """Make a drawing.

    Args:
        seed: Which one.

    Returns:
        uint8 (480, 640), grey 0..255.
    """
    random = np.random.default_rng(seed)
    ink = Ink(float(random.choice([0, 15, 30, 50])), float(random.uniform(1.2, 3.2)))
    canvas = Canvas(WIDTH, HEIGHT, random.uniform(20, 240))
    scene = _SCENES[int(random.choice(len(_SCENES), p=_CHANCES))]
    scene(canvas, random, ink)
    if random.random() < 0.3:
        _subtitle(canvas, random)
    return canvas.finished(max(0.0, random.uniform(-0.7, 0.7)))


def _portrait(canvas: Canvas, random: np.random.Generator, ink: Ink) -> None:
    """One or two figures before a sky, a street or shapes out of focus."""
    behind = _BACKDROPS[random.integers(len(_BACKDROPS))]
    behind(canvas, random, ink)
    if random.random() < 0.6:
        canvas.blur(random.uniform(1.5, 5))
    count = int(random.choice([1, 1, 2]))
    for index in range(count):
        across = WIDTH * (index + 0.5) / count + random.uniform(-40, 40)
        size = random.uniform(50, 135) / count**0.5
        centre = np.array([across, HEIGHT * random.uniform(0.35, 0.55)])
        draw_figure(canvas, random, Place(centre, size, random.normal(0, 0.12)), ink.tone, ink.width)


def _sky(canvas: Canvas, random: np.random.Generator, ink: Ink) -> None:
    """A gradient with clouds and hills."""
    top = random.uniform(30, 200)
    canvas.gradient(top, top + random.uniform(-30, 80), np.pi / 2)
    if random.random() < 0.4:
        canvas.dot(random.uniform((0, 0), (WIDTH, 200)), random.uniform(15, 60), random.uniform(200, 255))
    for _ in range(random.integers(1, 6)):
        _cloud(canvas, random)
    level = random.uniform(0.5, 0.8) * HEIGHT
    for depth in range(random.integers(1, 4)):
        _hill(canvas, random, ink, level + depth * random.uniform(20, 70))


def _cloud(canvas: Canvas, random: np.random.Generator) -> None:
    centre, size = random.uniform((0, 20), (WIDTH, 240)), random.uniform(12, 38)
    puffs = centre + random.normal(0, (1.5, 0.3), (18, 2)) * size
    light = random.uniform(205, 250)
    radii = size * random.uniform(0.5, 1.2, len(puffs))
    for tone, lift in ((light - random.uniform(12, 40), 0.0), (light, 0.25)):
        for puff, radius in zip(puffs, radii, strict=True):
            canvas.dot(puff - at(0, lift * radius), radius * (1 - 0.4 * lift), tone)


def _hill(canvas: Canvas, random: np.random.Generator, ink: Ink, level: float) -> None:
    across = np.linspace(-20, WIDTH + 20, 8)
    ridge = curve(np.stack((across, level + random.normal(0, 18, 8)), axis=1))
    ground = np.concatenate((ridge, [(WIDTH + 20, HEIGHT + 5), (-20, HEIGHT + 5)]))
    tone = random.uniform(40, 190)
    canvas.area(ground, tone)
    with canvas.inside(ground):
        canvas.area(
            ground + at(random.uniform(-30, 30), random.uniform(10, 40)), tone - random.uniform(8, 30)
        )
        for _ in range(random.integers(0, 60)):
            _grass(canvas, random, ridge[random.integers(len(ridge))], tone - 35)
    if random.random() < 0.6:
        canvas.line(ridge, ink.width, ink.tone)


def _grass(canvas: Canvas, random: np.random.Generator, root: Points, tone: float) -> None:
    start = root + at(0, random.uniform(5, 120))
    tip = start + random.normal((0, -12), (4, 4))
    blade = curve(np.stack((start, (start + tip) / 2 + random.normal(0, 2, 2), tip)))
    canvas.line(blade, random.uniform(1, 2.5), tone, taper=1)


def _street(canvas: Canvas, random: np.random.Generator, ink: Ink) -> None:
    """Houses with windows, poles and wires before a sky."""
    _sky(canvas, random, ink)
    left = random.uniform(-80, 0)
    while left < WIDTH:
        width = random.uniform(70, 190)
        _house(canvas, random, ink, (left, random.uniform(60, 330), left + width, HEIGHT + 5.0))
        left += width + max(0.0, random.uniform(-40, 60))
    for _ in range(random.integers(0, 3)):
        x = random.uniform(0, WIDTH)
        pole = np.array([(x, random.uniform(0, 80)), (x, HEIGHT + 5)])
        canvas.line(pole, random.uniform(4, 9), ink.tone + 25)
    for _ in range(random.integers(0, 7)):
        ends = random.uniform((0, 10), (WIDTH, 140), (2, 2)) * (0, 1) + [(-10, 0), (WIDTH + 10, 0)]
        middle = ends.mean(axis=0) + at(random.uniform(-90, 90), random.uniform(8, 50))
        canvas.line(curve(np.stack((ends[0], middle, ends[1]))), random.uniform(0.8, 1.8), ink.tone)


def _house(
    canvas: Canvas, random: np.random.Generator, ink: Ink, box: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = box
    wall, tone = _box(*box), random.uniform(90, 245)
    canvas.area(wall, tone)
    shade = left + random.uniform(0.15, 0.5) * (right - left)
    canvas.area(_box(left, top, shade, bottom), tone - random.uniform(20, 70))
    columns, rows = random.integers(2, 6), random.integers(3, 9)
    step_x, step_y = (right - left) / columns, max(24.0, (bottom - top) / rows)
    glass = random.uniform(20, 230)
    for x in left + step_x * (np.arange(columns) + 0.5):
        for y in np.arange(top + step_y * 0.6, bottom, step_y):
            pane = _box(x - step_x * 0.3, y - step_y * 0.3, x + step_x * 0.3, y + step_y * 0.25)
            canvas.area(pane, glass)
            canvas.area(pane[[0, 1, 3]], glass + 25)
            canvas.line(np.concatenate((pane, pane[:1])), ink.width * 0.6, ink.tone)
            canvas.line((pane[[0, 3]] + pane[[1, 2]]) / 2, ink.width * 0.5, ink.tone)
    canvas.line(np.concatenate((wall, wall[:1])), ink.width, ink.tone)


def _shapes(canvas: Canvas, random: np.random.Generator, ink: Ink) -> None:
    """Round shapes over each other, each with a shadow, some with a texture."""
    start, end = random.uniform(20, 240, 2)
    canvas.gradient(start, end, random.uniform(0, 2 * np.pi))
    for _ in range(random.integers(5, 16)):
        centre = random.uniform((0, 0), (WIDTH, HEIGHT))
        shape = blob(random, centre, random.uniform(25, 130))
        tone = random.uniform(30, 250)
        canvas.area(shape, tone)
        with canvas.inside(shape):
            with canvas.inside(shape + random.normal(0, 18, 2)):
                canvas.area(shape, tone - random.uniform(15, 60))
            _texture(canvas, random, shape, tone)
        if random.random() < 0.8:
            canvas.line(np.concatenate((shape, shape[:1])), ink.width, ink.tone, taper=0.5)
    for _ in range(random.integers(3, 30)):
        points = np.cumsum(random.normal(random.normal(0, 60, 2), 20, (4, 2)), axis=0) + random.uniform(
            (0, 0), (WIDTH, HEIGHT)
        )
        canvas.line(curve(points), ink.width * random.uniform(0.5, 2), ink.tone, taper=random.uniform(0, 1))


def _texture(canvas: Canvas, random: np.random.Generator, shape: Points, tone: float) -> None:
    other = tone + random.choice([-1, 1]) * random.uniform(20, 90)
    kind = random.random()
    if kind < 0.25:
        hatch(canvas, random, shape, other)
    elif kind < 0.45:
        screentone(canvas, random, shape, other)


def _page(canvas: Canvas, random: np.random.Generator, _: Ink) -> None:
    """A page of a comic: black on white, panels, bubbles, screentone."""
    paper = random.uniform(225, 255)
    ink = Ink(random.uniform(0, 30), random.uniform(1.2, 2.6))
    canvas.area(_box(-5, -5, WIDTH + 5, HEIGHT + 5), paper)
    cuts = sorted([12.0, *random.uniform(180, WIDTH - 180, random.integers(1, 3)), WIDTH - 12.0])
    lean = random.uniform(-35, 35)
    for left, right in pairwise(cuts):
        if right - left < 60:
            continue
        near, far = (0 if edge in {12.0, WIDTH - 12.0} else lean for edge in (left, right))
        panel = np.array(
            [(left + 5 + near, 12), (right - 5 + far, 12), (right - 5 - far, 468), (left + 5 - near, 468)]
        )
        with canvas.inside(panel):
            _panel(canvas, random, ink, panel)
        canvas.line(np.concatenate((panel, panel[:1])), random.uniform(2, 4), ink.tone)


def _panel(canvas: Canvas, random: np.random.Generator, ink: Ink, panel: Points) -> None:
    centre = panel.mean(axis=0)
    kind = random.random()
    if kind < 0.35:
        rays(canvas, random, centre + random.normal(0, 25, 2), ink.tone)
    elif kind < 0.6:
        screentone(canvas, random, panel, random.uniform(60, 190))
    elif kind < 0.7:
        hatch(canvas, random, panel, ink.tone)
    if random.random() < 0.85:
        place = Place(centre + random.normal((0, 30), 20), random.uniform(55, 100), random.normal(0, 0.15))
        draw_figure(canvas, random, place, ink.tone, ink.width)
    else:
        _shapes_in(canvas, random, ink, panel)
    for _ in range(random.integers(0, 3)):
        spot = panel[0] * 0.6 + panel[1] * 0.4 + random.uniform((-30, 40), (60, 130))
        bubble = blob(random, spot, random.uniform(45, 70))
        canvas.area(bubble, 255)
        canvas.line(np.concatenate((bubble, bubble[:1])), ink.width, ink.tone)
        size = random.uniform(8, 12)
        for row in range(3):
            letters(canvas, random, spot + at(-2.2 * size, (row - 1.5) * size * 1.3), size, 4, ink.tone, None)


def _shapes_in(canvas: Canvas, random: np.random.Generator, ink: Ink, panel: Points) -> None:
    for _ in range(random.integers(5, 14)):
        shape = blob(random, random.uniform(panel.min(axis=0), panel.max(axis=0)), random.uniform(20, 80))
        canvas.area(shape, 250)
        with canvas.inside(shape):
            _texture(canvas, random, shape, ink.tone)
        canvas.line(np.concatenate((shape, shape[:1])), ink.width, ink.tone, taper=0.4)


def _title(canvas: Canvas, random: np.random.Generator, _: Ink) -> None:
    """A card with letters of many sizes."""
    start = random.uniform(10, 245)
    canvas.gradient(start, start + random.uniform(-50, 50), random.uniform(0, np.pi))
    if random.random() < 0.5:
        rays(canvas, random, random.uniform((100, 100), (540, 380)), start + random.choice([-40, 40]))
    tone = 250.0 if start < 128 else 5.0
    top = random.uniform(10, 40)
    while top < HEIGHT - 20:
        size = random.uniform(10, 70)
        count = int(random.uniform(0.4, 1) * (WIDTH - 60) / (size * 1.1))
        edge = 255 - tone if random.random() < 0.3 else None
        letters(canvas, random, np.array([random.uniform(10, 50), top]), size, count, tone, edge)
        top += size * random.uniform(1.2, 1.8)


def _subtitle(canvas: Canvas, random: np.random.Generator) -> None:
    size, count = random.uniform(16, 28), int(random.integers(6, 20))
    start = np.array([(WIDTH - count * size * 1.1) / 2, HEIGHT - size * random.uniform(1.4, 2.4)])
    letters(canvas, random, start, size, count, random.uniform(225, 255), random.uniform(0, 30))


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


_BACKDROPS: tuple[Callable[[Canvas, np.random.Generator, Ink], None], ...] = (_sky, _street, _shapes)
_SCENES = (_portrait, _street, _shapes, _page, _title)
_CHANCES = (0.45, 0.2, 0.15, 0.15, 0.05)
