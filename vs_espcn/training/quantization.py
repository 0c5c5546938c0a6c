"""Arithmetic in 8-bit integers, imitated in floats so that a network can be trained under it.

No range is learned or calibrated: samples are codes already, activations lie
in −1 … 1, and a kernel's range is that of its largest weight. Only activations
are rounded while training; weights, once trained, by
``vs_espcn.training.rounding``.
"""

from torch import Tensor

LEVELS = 127
"""An activation of 1, or the largest weight of a kernel, as a code."""

INPUT_ZERO = 115
"""The luma code, 0 … 255, that counts as zero to the first convolution, and that it pads with."""


def saturate(x: Tensor) -> Tensor:
    """Clip to what 8-bit codes of 1 / LEVELS reach, from −128 to 127 of them."""
    return x.clamp(-(LEVELS + 1) / LEVELS, 1)


def round_activations(x: Tensor) -> Tensor:
    """Round to codes; what lies beyond saturates.

    Rounding has no slope to train along; the straight-through estimator passes
    gradients on as if it were not there (Jacob et al., CVPR 2018).
    """
    codes = saturate(x) * LEVELS
    return (codes + (codes.round() - codes).detach()) / LEVELS
