"""The kernels that video is made smaller with.

Each is an even function of the distance in samples of the low resolution, cut
off at its reach; ``degradation.shrink`` stretches it over the high resolution
and makes each row of weights sum to one. Only kernels that are well defined
are here: each is an entry of zimg or Pillow, or a Gaussian.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]

GAMMA = 2.2
"""Exponent by which codes turn into light, about that of sRGB."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """One way to make pictures smaller.

    Attributes:
        name: What ``--kernel`` calls it.
        reach: Distance beyond which all weights are zero, in samples of the low resolution.
        weigh: Distances (any shape) to weights, before they are made to sum to one.
        linear: Whether it works on light instead of codes.
    """

    name: str
    reach: float
    weigh: Callable[[Distances], Distances]
    linear: bool = False


def cubic(distance: Distances, b: float = 0.0, c: float = 0.5) -> Distances:
    """Cubic of Mitchell and Netravali (1988); the default is Keys' with a = -0.5, MATLAB's and Catmull-Rom's.

    Args:
        distance: In samples, of any shape and sign.
        b: Its blur.
        c: Its ringing; Keys' a is -c where b is 0.
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
    """Piecewise cubic through three samples to each side, as zimg and AviSynth define it."""
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
"""By name. ``bicubic`` is Catmull-Rom's too; ``bicubic-sharp`` has OpenCV's a = -0.75."""

COMMON = ("box", "box-linear", "bilinear", "mitchell", "bicubic", "spline36", "lanczos")
"""Those that networks are judged by."""


def to_light(luma: NDArray[np.floating]) -> NDArray[np.floating]:
    """Limited-range luma, code / 255, to light, 0..1; codes below black count as black."""
    light: NDArray[np.floating] = np.maximum((luma * 255 - 16) / 219, 0) ** GAMMA
    return light


def from_light(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse of ``to_light``."""
    luma: NDArray[np.floating] = (np.maximum(light, 0) ** (1 / GAMMA) * 219 + 16) / 255
    return luma
