"""Arithmetic in 8-bit integers, imitated in floats so that a network can be trained under it.

A value is held as ``code · step`` with a code from −128 to 127, less the code
that stands for zero. Only activations are rounded while training; weights,
once trained, by ``vs_espcn.training.int8.rounding``.
"""

import torch
from torch import Tensor

LEVELS = 127
"""The largest weight of a kernel, as a code."""

_LOWEST, _HIGHEST = -128, 127
_LEAST_STEP = 1e-12  # for what is 0 everywhere

INPUT_ZERO = 115
"""The luma code, 0 … 255, that counts as zero to the first convolution, and that it pads with."""


def round_to_codes(x: Tensor, step: Tensor, zero: Tensor) -> Tensor:
    """Round to codes; what lies beyond saturates.

    Rounding has no slope to train along; the straight-through estimator passes
    gradients on as if it were not there (Jacob et al., CVPR 2018).

    Args:
        x: Values of any shape.
        step: What a code is worth.
        zero: The code of 0, −128 … 127.

    Returns:
        The values that the codes stand for.
    """
    codes = (x / step).clamp(_LOWEST - zero, _HIGHEST - zero)
    return (codes + (codes.round() - codes).detach()) * step


def codes_for(lowest: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
    """Spread all codes over a range.

    Args:
        lowest: The least value, at most 0.
        highest: The greatest, at least 0.

    Returns:
        Step and zero, as ``round_to_codes`` takes them; the range moves by up to half a step.
    """
    step = ((highest - lowest) / (_HIGHEST - _LOWEST)).clamp(min=_LEAST_STEP)
    return step, torch.round(_LOWEST - lowest / step)
