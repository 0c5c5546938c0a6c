"""What drawings are filled with: hatching, screentone, rays, shapes that look like letters."""

import numpy as np

from vs_espcn.training.data.pen import Canvas, Points, curve


def blob(random: np.random.Generator, centre: Points, size: float) -> Points:
    """A round shape.

    Args:
        random: Draws its form.
        centre: (2,).
        size: Mean radius in pixels.

    Returns:
        Its outline, (N, 2).
    """
    count = int(random.integers(5, 10))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radii = size * random.uniform(0.75, 1.2, count) * np.array([[random.uniform(0.7, 1.5)], [1.0]])
    return curve(centre + (np.stack((np.cos(angles), np.sin(angles))) * radii).T, closed=True)


def hatch(canvas: Canvas, random: np.random.Generator, shape: Points, tone: float) -> None:
    """Cover a shape with parallel lines, in places with crossed ones.

    Args:
        canvas: Where.
        random: Draws distance, direction and width.
        shape: (N, 2).
        tone: Grey.
    """
    centre, reach = _around(shape)
    pitch, width = random.uniform(4, 12), random.uniform(0.9, 2.2)
    angles = [random.uniform(0, np.pi)]
    if random.random() < 0.3:
        angles.append(angles[0] + random.uniform(0.9, 1.6))
    with canvas.inside(shape):
        for angle in angles:
            along = np.array([np.cos(angle), np.sin(angle)])
            across = np.array([-along[1], along[0]])
            for offset in np.arange(-reach, reach, pitch):
                middle = centre + offset * across + random.normal(0, 0.4, 2)
                stroke = middle + np.linspace(-reach, reach, 8)[:, None] * along
                canvas.line(stroke, width, tone)


def screentone(canvas: Canvas, random: np.random.Generator, shape: Points, tone: float) -> None:
    """Cover a shape with dots on a grid, of one size or growing from one side to the other.

    Args:
        canvas: Where.
        random: Draws distance, direction and size.
        shape: (N, 2).
        tone: Grey.
    """
    centre, reach = _around(shape)
    pitch, angle = random.uniform(5, 10), random.choice([np.pi / 4, np.pi / 6, 0.0])
    small, large = np.sort(random.uniform(0.16, 0.45, 2)) * pitch
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    steps = np.arange(-reach, reach, pitch)
    with canvas.inside(shape):
        for right in steps:
            for down in steps:
                spot = centre + right * along + down * across
                canvas.dot(spot, small + (large - small) * (down + reach) / (2 * reach), tone)


def rays(canvas: Canvas, random: np.random.Generator, centre: Points, tone: float) -> None:
    """Draw wedges that point at a place, as comics do for speed and surprise.

    Args:
        canvas: Where.
        random: Draws their number, direction and length.
        centre: (2,), in pixels.
        tone: Grey.
    """
    far = canvas.width + canvas.height
    for angle in random.uniform(0, 2 * np.pi, random.integers(40, 160)):
        near, wide = random.uniform(90, 200), random.uniform(0.003, 0.02)
        tips = [(angle, near), (angle - wide, far), (angle + wide, far)]
        canvas.area(np.array([centre + r * np.array([np.cos(a), np.sin(a)]) for a, r in tips]), tone)


def letters(
    canvas: Canvas,
    random: np.random.Generator,
    start: Points,
    size: float,
    count: int,
    tone: float,
    edge: float | None,
) -> None:
    """Write a line of shapes that look like letters: a few strokes on a grid each.

    Args:
        canvas: Where.
        random: Draws the shapes.
        start: Upper left corner, (2,).
        size: Height in pixels.
        count: How many.
        tone: Grey.
        edge: Grey of a rim around the letters, None for no rim.
    """
    weight = size * random.uniform(0.07, 0.13)
    for index in range(count):
        if random.random() < 0.1:
            continue  # between words
        strokes = [start + (index * size * 1.1, 0) + size * stroke for stroke in _letter(random)]
        if edge is not None:
            for stroke in strokes:
                canvas.line(stroke, weight + max(2.0, 0.12 * size), edge)
        for stroke in strokes:
            canvas.line(stroke, weight, tone)


def _letter(random: np.random.Generator) -> list[Points]:
    """Strokes within (0..0.9, 0..1): bars across, bars down, a hook or two."""
    grid = (0.1, 0.35, 0.6, 0.85)
    strokes = []
    for _ in range(random.integers(1, 4)):
        y, left, right = random.choice(grid), random.uniform(0.05, 0.3), random.uniform(0.55, 0.85)
        strokes.append(np.array([(left, y), (right, y)]))
    for _ in range(random.integers(1, 3)):
        x, top, bottom = random.choice((0.15, 0.45, 0.75)), random.uniform(0, 0.3), random.uniform(0.6, 1)
        strokes.append(np.array([(x, top), (x, bottom)]))
    for _ in range(random.integers(0, 3)):
        start, end = random.uniform((0.1, 0.05), (0.8, 0.5)), random.uniform((0.05, 0.5), (0.85, 0.95))
        strokes.append(curve(np.stack((start, (start + end) / 2 + random.normal(0, 0.1, 2), end))))
    return strokes


def _around(shape: Points) -> tuple[Points, float]:
    """The middle of a shape, and how far it reaches from there."""
    centre = (shape.min(axis=0) + shape.max(axis=0)) / 2
    return centre, float(np.linalg.norm(shape - centre, axis=1).max())
