"""A head and shoulders as animation draws them: flat tones, hard shadows, hair in locks, large eyes."""

from dataclasses import dataclass

import numpy as np

from vs_espcn.training.data.pen import Canvas, Points, at, curve
from vs_espcn.training.data.textures import hatch

_FACE = np.array(
    [(0, -1), (0.7, -0.75), (0.88, -0.1), (0.74, 0.5), (0.36, 0.92), (0, 1.1), (-0.36, 0.92), (-0.74, 0.5),
     (-0.88, -0.1), (-0.7, -0.75)]
)  # fmt: skip
_NECK = np.array([(-0.28, 0.6), (0.28, 0.6), (0.32, 1.5), (-0.32, 1.5)])
_FAR = 8.0  # below every picture, in units of a head


@dataclass(frozen=True)
class Place:
    """Where a figure is.

    Attributes:
        centre: Of the head, (2,), in pixels.
        size: Half the height of the face in pixels.
        tilt: Of the head, in radians.
    """

    centre: Points
    size: float
    tilt: float

    def of(self, points: Points) -> Points:
        """From units of the head, (0, 0) between the eyes, to pixels."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turned: Points = points @ np.array([[cos, sin], [-sin, cos]])
        return self.centre + self.size * turned


@dataclass(frozen=True)
class _Tones:
    skin: float
    hair: float
    cloth: float
    shade: float  # what shadows take off


def draw_figure(canvas: Canvas, random: np.random.Generator, place: Place, tone: float, width: float) -> None:
    """Draw a figure from the chest up.

    Args:
        canvas: Where.
        random: Draws hair, face and clothes.
        place: Where the head is.
        tone: Grey of the lines.
        width: Of the lines, in pixels.
    """
    skin, hair, cloth = random.uniform((190, 15, 20), (248, 225, 245))
    tones = _Tones(skin, hair, cloth, shade=random.uniform(18, 50))
    figure = _Figure(canvas, random, place, tones, tone, width)
    figure.back_hair()
    figure.body()
    figure.face()
    figure.front_hair()


class _Figure:
    """One figure; each part is drawn over the ones before."""

    def __init__(
        self,
        canvas: Canvas,
        random: np.random.Generator,
        place: Place,
        tones: _Tones,
        ink: float,
        width: float,
    ) -> None:
        self._canvas, self._random, self._place, self._tones = canvas, random, place, tones
        self._ink, self._width = ink, width
        self._length = random.uniform(0.7, 3.2)  # of the hair
        self._crown = curve(
            np.array(
                [
                    (-1.08, 0.1),
                    (-1.05, -0.6),
                    (-0.6, -1.25),
                    (0, -1.42),
                    (0.6, -1.25),
                    (1.05, -0.6),
                    (1.08, 0.1),
                ]
            )
            * random.uniform(0.96, 1.08)
        )

    def _shape(self, outline: Points, tone: float) -> None:
        placed = self._place.of(outline)
        self._canvas.area(placed, tone)
        self._canvas.line(np.concatenate((placed, placed[:1])), self._width, self._ink, taper=0.3)

    def _stroke(self, path: Points, wide: float = 1.0, tone: float | None = None) -> None:
        ink = self._ink if tone is None else tone
        self._canvas.line(self._place.of(curve(path)), self._width * wide, ink, taper=0.9)

    def back_hair(self) -> None:
        """What hangs behind the shoulders, its lower edge in points."""
        ends = np.linspace(1.15, -1.15, int(self._random.integers(5, 11)))
        drop = self._random.uniform(0.75, 1.05, len(ends)) * self._length
        tips = [(x, y) for x, y in zip(ends, drop, strict=True)]
        gaps = [(x, 0.8 * y) for x, y in zip((ends[:-1] + ends[1:]) / 2, drop[1:], strict=True)]
        fringe = [point for pair in zip(tips, [*gaps, tips[-1]], strict=True) for point in pair]
        self._shape(np.concatenate((self._crown, np.array(fringe))), self._tones.hair - self._tones.shade)

    def body(self) -> None:
        """Shoulders, collar, folds, neck and its shadow."""
        random, tones = self._random, self._tones
        broad = random.uniform(1.5, 2.1)
        side = np.array([(0.3, 1.25), (0.75, 1.45), (broad, 1.8), (broad + 0.25, 3), (broad + 0.3, _FAR)])
        outline = np.concatenate((curve(side), curve(side[::-1] * (-1, 1))))
        cloth = self._place.of(outline)
        self._canvas.area(cloth, tones.cloth)
        with self._canvas.inside(cloth):
            moved = self._place.of(outline + at(random.choice([-1, 1]) * random.uniform(0.3, 0.9), 0.25))
            with self._canvas.inside(cloth):
                self._canvas.area(moved, tones.cloth - tones.shade * 0.7)
            if random.random() < 0.3:
                hatch(self._canvas, random, cloth, tones.cloth + random.uniform(15, 50))
            for _ in range(random.integers(4, 14)):
                start = random.uniform((-broad, 1.8), (broad, 4))
                bend = random.normal(0, 0.25, 2)
                self._stroke(
                    np.stack((start, start + at(0, 0.4) + bend, start + at(0, 0.9) + bend * 0.5)), 0.7
                )
        self._canvas.line(cloth, self._width, self._ink)
        self._shape(_NECK, tones.skin)
        with self._canvas.inside(self._place.of(_NECK)):
            self._canvas.area(
                self._place.of(curve(_FACE + at(0.05, 0.25), closed=True)), tones.skin - tones.shade
            )
        for flip in (-1, 1):
            collar = np.array([(0.3, 1.15), (0.62, 1.4), (0.3, 1.95), (0.02, 1.62)]) * (flip, 1)
            self._shape(collar, min(250, tones.cloth + 40))

    def face(self) -> None:
        """Skin, the hair's shadow on it, eyes, nose and mouth."""
        random, tones = self._random, self._tones
        outline = curve(_FACE, closed=True)
        self._shape(outline, tones.skin)
        with self._canvas.inside(self._place.of(outline)):
            shadow = curve(
                np.array([(-1, -1.2), (1, -1.2), (1, -0.25), (0.4, -0.4), (-0.2, -0.2), (-1, -0.3)]),
                closed=True,
            )
            self._canvas.area(self._place.of(shadow), tones.skin - tones.shade)
        closed_eyes = random.random() < 0.12
        iris = random.uniform(20, 150)
        high = random.uniform(0.2, 0.3)
        for flip in (-1, 1):
            if closed_eyes:
                lid = np.array([(0.18, 0.22), (0.4, 0.08), (0.64, 0.22)]) * (flip, 1)
                self._stroke(lid, 2.2)
            else:
                self._eye(flip, iris, high)
            brow = np.array([(0.15, -0.3), (0.4, -0.4), (0.68, -0.28)]) * (flip, 1)
            self._stroke(brow + random.normal(0, 0.03, 2), 1.5)
        self._stroke(np.array([(0.02, 0.45), (0.07, 0.53), (0.0, 0.56)]), 0.8)
        self._mouth()

    def _eye(self, flip: int, iris: float, high: float) -> None:
        centre = np.array([0.41 * flip, 0.2])
        white = centre + _ellipse(0.26, high)
        self._canvas.area(self._place.of(white), 250)
        with self._canvas.inside(self._place.of(white)):
            ball = centre + at(0, 0.02)
            self._canvas.area(self._place.of(ball + _ellipse(0.17, high * 1.02)), iris)
            self._canvas.area(
                self._place.of(ball + at(0, 0.5 * high) + _ellipse(0.13, high * 0.5)), iris + 70
            )
            self._canvas.area(self._place.of(ball + _ellipse(0.07, high * 0.4)), 8)
            self._canvas.area(self._place.of(centre - at(0, high) + _ellipse(0.3, high * 0.45)), iris * 0.4)
        for spot, size in (((-0.07, -0.1), 0.055), ((0.07, 0.1), 0.03)):
            self._canvas.area(self._place.of(centre + spot + _ellipse(size, size)), 255)
        lash = np.array([(-0.26, 0.02), (-0.18, -0.8), (0, -1.05), (0.2, -0.75), (0.31, 0.1)])
        self._stroke(centre + lash * (flip, high), 3.0)
        below = np.array([(-0.12, 1.0), (0.06, 1.08), (0.2, 0.8)])
        self._stroke(centre + below * (flip, high), 0.9)

    def _mouth(self) -> None:
        wide, smile = self._random.uniform(0.1, 0.26), self._random.uniform(-0.05, 0.1)
        upper = np.array([(-wide, 0.76 - smile), (0, 0.76), (wide, 0.76 - smile)])
        if self._random.random() < 0.35:
            lower = np.array([(wide * 0.7, 0.84), (0, 0.92), (-wide * 0.7, 0.84)])
            self._shape(curve(np.concatenate((upper, lower)), closed=True), self._tones.skin * 0.5)
        else:
            self._stroke(upper, 1.2)

    def front_hair(self) -> None:
        """The cap of the hair with its gloss, and locks over forehead and sides."""
        random, tones = self._random, self._tones
        line = [(1.0, -0.25), (0.75, -0.62), (0.0, -0.72), (-0.75, -0.62), (-1.0, -0.25)]
        cap = np.concatenate((self._crown, np.array(line)))
        self._canvas.area(self._place.of(cap), tones.hair)
        self._stroke(self._crown[::7], 1.1)
        count = int(random.integers(5, 11))
        for x in random.permutation(np.linspace(-0.85, 0.85, count)):
            tip = (x + random.normal(0, 0.12), random.uniform(-0.42, 0.0) + 0.25 * abs(x))
            self._lock((0.7 * x, -1.2), tip, random.uniform(0.15, 0.26))
        for flip in (-1, 1):
            reach = random.uniform(0.4, min(2.2, self._length))
            self._lock(
                (0.85 * flip, -1.0), (random.uniform(0.85, 1.1) * flip, reach), random.uniform(0.14, 0.24)
            )
        self._gloss(cap)
        parting = random.uniform(-0.4, 0.4)
        for x in np.linspace(-0.9, 0.9, int(random.integers(4, 16))):
            root = (parting + 0.1 * x, -1.36)
            self._stroke(
                np.array([root, (0.6 * x + 0.4 * parting, -1.1), (x, -0.72)]), random.uniform(0.3, 0.8)
            )

    def _lock(self, root: tuple[float, float], tip: tuple[float, float], wide: float) -> None:
        start, end = np.array(root), np.array(tip)
        bend = self._random.normal(0, 0.08, 2)
        middle = (start + end) / 2 + bend
        left = curve(np.stack((start, middle - at(wide, 0), end)))
        right = curve(np.stack((end, middle + at(wide, 0), start)))
        self._canvas.area(self._place.of(np.concatenate((left, right))), self._tones.hair)
        inner = curve(np.stack((end, middle + at(wide * 0.2, 0), start)))
        shade = np.concatenate((inner, right[::-1]))
        self._canvas.area(self._place.of(shade), self._tones.hair - self._tones.shade * 0.8)
        for side in (left, right):
            self._canvas.line(self._place.of(side), self._width, self._ink, taper=0.9)

    def _gloss(self, cap: Points) -> None:
        if self._random.random() < 0.25:
            return
        x = np.linspace(-1.1, 1.1, 23)
        arc = -1.12 + 0.32 * x**2
        jag = self._random.uniform(0.02, 0.14, len(x)) * (np.arange(len(x)) % 2)
        band = np.concatenate((np.stack((x, arc - jag), 1), np.stack((x, arc + 0.1 + jag), 1)[::-1]))
        with self._canvas.inside(self._place.of(cap)):
            self._canvas.area(self._place.of(band), min(255, self._tones.hair + 60))


def _ellipse(across: float, down: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack((across * np.cos(angles), down * np.sin(angles)), axis=1)
