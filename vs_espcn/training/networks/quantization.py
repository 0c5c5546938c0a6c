"""Emulate 8-bit integers in floats, to train networks for them.

A value is ``(code − zero point) · step`` with a code from −128 to 127. Training
rounds only activations; ``vs_espcn.training.int8.rounding`` rounds the trained
weights.
"""

import torch
from torch import Tensor

LEVELS = 127
"""Code of the largest weight of a kernel."""

_LOWEST, _HIGHEST = -128, 127
_LEAST_STEP = 1e-12  # if all values are 0

INPUT_ZERO = 115
"""The luma code, 0 … 255, that is zero to the first convolution, and so its padding."""


def round_to_codes(x: Tensor, step: Tensor, zero: Tensor) -> Tensor:
    """Round values to codes; values beyond the codes' range saturate.

    Rounding has no gradient to train with; the straight-through estimator
    passes gradients on as if values were not rounded (Jacob et al., CVPR 2018).

    Args:
        x: Values of any shape.
        step: Quantisation step.
        zero: Zero point, −128 … 127.

    Returns:
        The values of the codes, of the same shape.
    """
    codes = (x / step).clamp(_LOWEST - zero, _HIGHEST - zero)
    return (codes + (codes.round() - codes).detach()) * step


def codes_for(lowest: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
    """Return the quantisation step and zero point that spread all codes over a range.

    Args:
        lowest: The smallest value, at most 0.
        highest: The largest value, at least 0.

    Returns:
        Step and zero point for ``round_to_codes``; the range shifts by up to half a step.
    """
    step = ((highest - lowest) / (_HIGHEST - _LOWEST)).clamp(min=_LEAST_STEP)
    return step, torch.round(_LOWEST - lowest / step)
