"""Define the kernels that reduce video.

Each is an even function of the distance in low-resolution samples, cut off at
its reach; ``degradation.shrink`` stretches it to the high resolution and makes
each row of weights sum to one. All are well defined: kernels of zimg or
Pillow, and Gaussians.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]

GAMMA = 2.2
"""Exponent from codes to light, about that of sRGB."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """One way to reduce pictures.

    Attributes:
        name: Its name for ``--kernel``.
        reach: Distance beyond which all weights are zero, in low-resolution samples.
        weigh: Function from distances (any shape) to weights, before these are normalised.
        linear: True if it works on light instead of codes.
    """

    name: str
    reach: float
    weigh: Callable[[Distances], Distances]
    linear: bool = False


def cubic(distance: Distances, b: float = 0.0, c: float = 0.5) -> Distances:
    """Return the cubic of Mitchell and Netravali (1988), by default Keys' a = -0.5 (Catmull-Rom, MATLAB).

    Args:
        distance: In samples, of any shape and sign.
        b: Parameter B, the blur.
        c: Parameter C, the ringing; with ``b = 0`` Keys' a is -c.
    """
    x = np.abs(distance.astype(np.float64))  # float32 loses the last digits of a weight
    near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
    far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
    weights: Distances = np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6
    return weights


def _box(distance: Distances) -> Distances:
    return np.where(np.abs(distance) < 0.5, 1.0, 0.0)


def _triangle(distance: Distances) -> Distances:
    weights: Distances = np.maximum(0.0, 1 - np.abs(distance))
    return weights


def _spline36(distance: Distances) -> Distances:
    """Return the piecewise cubic over three samples on each side, as zimg and AviSynth define it."""
    x = np.abs(distance)
    pieces = [
        (13 / 11, -453 / 209, -3 / 209, 1.0),
        (-6 / 11, 270 / 209, -156 / 209, 0.0),
        (1 / 11, -45 / 209, 26 / 209, 0.0),
    ]
    weights: Distances = sum(
        (
            np.where((x >= start) & (x < start + 1), np.polyval(piece, x - start), 0.0)
            for start, piece in enumerate(pieces)
        ),
        start=np.zeros_like(x),
    )
    return weights


def _lanczos(distance: Distances, lobes: int = 3) -> Distances:
    return np.where(np.abs(distance) < lobes, np.sinc(distance) * np.sinc(distance / lobes), 0.0)


def _gaussian(sigma: float) -> Callable[[Distances], Distances]:
    return lambda distance: np.exp(-((distance / sigma) ** 2) / 2)


def _cubic(b: float, c: float) -> Callable[[Distances], Distances]:
    return lambda distance: cubic(distance, b, c)


KERNELS: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        Kernel(name="box", reach=0.5, weigh=_box),
        Kernel(name="box-linear", reach=0.5, weigh=_box, linear=True),
        Kernel(name="bilinear", reach=1, weigh=_triangle),
        Kernel(name="mitchell", reach=2, weigh=_cubic(1 / 3, 1 / 3)),
        Kernel(name="bicubic", reach=2, weigh=cubic),
        Kernel(name="bicubic-sharp", reach=2, weigh=_cubic(0.0, 0.75)),
        Kernel(name="spline36", reach=3, weigh=_spline36),
        Kernel(name="lanczos", reach=3, weigh=_lanczos),
        Kernel(name="gauss-sharp", reach=1.5, weigh=_gaussian(0.35)),
        Kernel(name="gauss-soft", reach=2, weigh=_gaussian(0.55)),
    )
}
"""Kernels by name. ``bicubic`` is also Catmull-Rom; ``bicubic-sharp`` has OpenCV's a = -0.75."""

COMMON = ("box", "box-linear", "bilinear", "mitchell", "bicubic", "spline36", "lanczos")
"""Kernels on which networks are evaluated."""


def to_light(luma: NDArray[np.floating]) -> NDArray[np.floating]:
    """Convert limited-range luma, code / 255, to light, 0..1; codes below black count as black."""
    light: NDArray[np.floating] = np.maximum((luma * 255 - 16) / 219, 0) ** GAMMA
    return light


def from_light(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Convert light, 0..1, to limited-range luma, code / 255."""
    luma: NDArray[np.floating] = (np.maximum(light, 0) ** (1 / GAMMA) * 219 + 16) / 255
    return luma
