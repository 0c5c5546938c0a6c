"""A pen and a brush for drawings of hard edges: smooth curves, lines that swell and taper, flat areas.

Everything is drawn larger than it will be and averaged down, so that edges are
as smooth as an 8-bit image can show them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Points = NDArray[np.float64]
"""Places, float (N, 2): x to the right and y down, in pixels of the finished drawing."""

_FINER = 6  # times per axis
_STEPS = 14  # parts of a curve between two of its points


def at(x: float, y: float) -> Points:
    """One place, or a way to move by: (2,)."""
    return np.array((x, y), np.float64)


def curve(points: Points, *, closed: bool = False) -> Points:
    """A smooth curve through points (Catmull-Rom spline).

    Args:
        points: (N, 2), two or more; three or more where ``closed``.
        closed: Whether the curve returns to its first point.

    Returns:
        (M, 2), dense enough to be drawn as straight parts.
    """
    padded = np.concatenate(
        (points[-1:], points, points[:2]) if closed else (points[:1], points, points[-1:])
    )
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(_STEPS) / _STEPS)[:, None, None]
    along = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    dense = along.transpose(1, 0, 2).reshape(-1, 2)
    return dense if closed else np.concatenate((dense, points[-1:]))


class Canvas:
    """A grey drawing in the making."""

    def __init__(self, width: int, height: int, tone: float) -> None:
        """Start with an empty area.

        Args:
            width: Of the finished drawing, in pixels.
            height: Likewise.
            tone: Grey, 0..255, here and below.
        """
        self.width, self.height = width, height
        self._image = Image.new("L", (width * _FINER, height * _FINER), round(tone))
        self._draw = ImageDraw.Draw(self._image)

    def area(self, outline: Points, tone: float) -> None:
        """Fill an area.

        Args:
            outline: Its corners, (N, 2).
            tone: Grey.
        """
        self._draw.polygon(_fine(outline), fill=_grey(tone))

    def line(self, path: Points, width: float, tone: float, *, taper: float = 0.0) -> None:
        """Draw a line with round ends.

        Args:
            path: Its middle, (N, 2).
            width: Where it is widest, in pixels.
            tone: Grey.
            taper: 0 for one width throughout, 1 for a line that thins to nothing at both ends.
        """
        swell = np.sin(np.pi * np.linspace(0, 1, len(path))) ** 0.7
        half = np.maximum(width * (1 - taper + taper * swell), 0.3)[:, None] / 2
        ahead = np.diff(path, axis=0)
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
        for start, way in enumerate(ahead[:, ::-1] * (-1, 1)):
            part, aside = path[start : start + 2], half[start : start + 2] * way
            self.area(np.concatenate((part + aside, (part - aside)[::-1])), tone)
        for place, radius in zip(path, half[:, 0], strict=True):
            if radius > 0.5:  # finer lines need no round joints
                self.dot(place, radius, tone)

    def dot(self, centre: Points, radius: float, tone: float) -> None:
        """Draw a disk.

        Args:
            centre: (2,).
            radius: In pixels.
            tone: Grey.
        """
        corners = np.concatenate((centre - radius, centre + radius)) * _FINER
        self._draw.ellipse(tuple(corners), fill=_grey(tone))

    def gradient(self, start: float, end: float, angle: float) -> None:
        """Cover everything with a gradient.

        Args:
            start: Grey on one side.
            end: Grey on the other.
            angle: Direction in radians; 0 to the right, π / 2 down.
        """
        down, across = np.mgrid[: self.height, : self.width]
        along = across * np.cos(angle) + down * np.sin(angle)
        share = (along - along.min()) / np.ptp(along)
        tones = np.round(start + (end - start) * share).astype(np.uint8)
        self._image.paste(Image.fromarray(tones).resize(self._image.size, Image.Resampling.BILINEAR))

    def blur(self, sigma: float) -> None:
        """Put everything so far out of focus.

        Args:
            sigma: σ in pixels.
        """
        self._image.paste(self._image.filter(ImageFilter.GaussianBlur(sigma * _FINER)))

    @contextmanager
    def inside(self, outline: Points) -> Iterator[None]:
        """Keep what is drawn within an area; outside of it, nothing changes.

        Args:
            outline: Its corners, (N, 2).
        """
        before = self._image.copy()
        yield
        mask = Image.new("1", self._image.size, 1)
        ImageDraw.Draw(mask).polygon(_fine(outline), fill=0)
        self._image.paste(before, mask=mask)

    def finished(self, sigma: float) -> NDArray[np.uint8]:
        """The drawing at its own size.

        Args:
            sigma: σ in pixels of a last blur, 0 for none.

        Returns:
            uint8 (height, width), 0..255.
        """
        if sigma:
            self.blur(sigma)
        return np.asarray(self._image.reduce(_FINER))


def _fine(outline: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in np.round(outline * _FINER).tolist()]  # Pillow would cut off


def _grey(tone: float) -> int:
    return round(min(255, max(0, tone)))
