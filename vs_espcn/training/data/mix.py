"""Reduce images by many kernels, since a clip's own kernel is unknown.

An image is reduced by each of ``KERNELS``, and a few more times by a random
kernel after blur or ringing at high resolution, as in sources that were
enlarged before.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vs_espcn.training.data.degradation import Degrade, blurred, reduced_by, round_to_8_bit, shrink
from vs_espcn.training.data.kernels import COMMON, KERNELS
from vs_espcn.training.metrics import mod_crop

_TREATED = 2  # variants of an image in addition to those of the kernels alone
_WEAKEST = 0.2  # least share of the strongest blur or ringing; less would change nothing
_SOFTEST = 0.45  # σ of the strongest blur, in low-resolution samples
_HARDEST = 0.35  # share of the detail that the strongest ringing adds
_RING = 0.5  # σ of the blur that separates this detail, in low-resolution samples


_USUAL = {
    "bicubic": 3.0,
    "spline36": 2.0,
    "lanczos": 2.0,
    "box-linear": 0.5,
    "gauss-sharp": 0.5,
    "gauss-soft": 0.5,
}
_SHARES = np.array([_USUAL.get(name, 1.0) for name in KERNELS])
_UP_TO = np.cumsum(_SHARES) / _SHARES.sum()
"""Cumulative probabilities of kernels: published video was mostly made by cubics, splines and Lanczos."""


@dataclass(frozen=True)
class Treated:
    """Blur or ringing, then a kernel, drawn from a hash of the image.

    Attributes:
        number: Number of the variant; each number degrades an image differently.
    """

    number: int

    def __call__(self, luma: NDArray[np.uint8], scale: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Degrade an image, always in the same way; see ``Degrade``."""
        high = mod_crop(luma, scale)
        key = hashlib.sha256(f"{self.number} {scale} {high.shape} ".encode() + high.tobytes()).digest()
        random = np.random.default_rng(int.from_bytes(key[:8]))
        return high, round_to_8_bit(
            draw_reduction(high.astype(np.float32) / 255, scale, random, treated=True)
        )


def draw_reduction(
    luma: NDArray[np.floating], scale: int, random: np.random.Generator, *, treated: bool
) -> NDArray[np.floating]:
    """Reduce an image by a random kernel.

    Args:
        luma: float (H, W), code / 255; H and W are multiples of ``scale``.
        scale: Integer scale.
        random: Random number generator.
        treated: True to add blur or ringing first.

    Returns:
        float (H / scale, W / scale).
    """
    kernel = list(KERNELS.values())[int(np.searchsorted(_UP_TO, random.random(), side="right"))]
    strength, rings = float(random.uniform(_WEAKEST, 1)), bool(random.integers(2))
    if treated and rings:
        luma = luma + strength * _HARDEST * (luma - blurred(luma, _RING * scale))
    elif treated:
        luma = blurred(luma, strength * _SOFTEST * scale)
    return shrink(luma, scale, kernel)


TRAINING: tuple[Degrade, ...] = (
    *(reduced_by(kernel) for kernel in KERNELS.values()),
    *(Treated(number) for number in range(_TREATED)),
)
"""Degradations of each training image."""

VALIDATION: tuple[Degrade, ...] = tuple(reduced_by(KERNELS[name]) for name in COMMON)
"""Degradations of each held-out image."""
