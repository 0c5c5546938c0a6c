"""Choose quantisation steps and zero points of a network's activations.

Each channel is scaled to reach an end of a common range on training patches,
and the next convolution undoes the scaling (Nagel et al., ICCV 2019). So one
step and one zero point serve all channels of a layer, and few codes are unused.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.quantization import codes_for

_HOMOGENEOUS = ("relu", "leaky")
"""Activations that commute with a positive factor, so the convolution before them can include it."""


@torch.no_grad()
def calibrate(network: Int8Network, low: Tensor) -> None:
    """Scale channels and choose steps and zero points; the network's result in floats stays the same.

    Args:
        network: A network trained in floats; it is changed in place.
        low: Typical patches, float32 (N, 1, H, W), luma code / 255.
    """
    x = network.spread_out(low)
    for layer, following in pairwise(network.layers):
        x = network.activate(layer(x))  # (N, channels, H, W)
        gain = _gains(x, following.weight)
        following.weight.div_(gain[:, None, None])
        if network.activation in _HOMOGENEOUS:
            layer.weight.mul_(gain[:, None, None, None])
            layer.bias_.mul_(gain)
        else:
            following.input_gain.copy_(gain[:, None, None])
        x = x * gain[:, None, None]
        step, zero = codes_for(x.min().clamp(max=0), x.max().clamp(min=0))
        following.input_step.copy_(step)
        following.input_zero.copy_(zero)


def _gains(x: Tensor, weight: Tensor) -> Tensor:
    """Return a factor for each channel, so that all of them fill a range from -b to 1.

    After a leaky ReLU some channels lie above zero, others a tenth as far below it. With b = 1
    the first kind would leave half of the codes unused, with a small b the second kind most of
    them. The chosen b is the one whose rounding disturbs the next convolution least.

    Args:
        x: Values of the channels, (N, channels, H, W).
        weight: Kernels of the next convolution, (outputs, channels, height, width).

    Returns:
        Factors, (channels,).
    """
    highest = x.amax((0, 2, 3)).clamp(min=1e-6)
    lowest = (-x.amin((0, 2, 3))).clamp(min=1e-9)
    below = torch.logspace(-2, 1, 61)[:, None]  # the choices for b
    gains = torch.minimum(1 / highest, below / lowest)  # (choices, channels)
    disturbance = ((1 + below) / gains).square() * weight.square().sum((0, 2, 3))
    return gains[disturbance.sum(1).argmin()]


def ramps(count: int, side: int) -> Tensor:
    """Return patches without texture, which are rare in photographs and show errors as bands.

    In a smooth area a rounded activation has the same error at all taps of a kernel, so
    errors add up that cancel out elsewhere.

    Args:
        count: Number of patches; their levels are spread evenly from black to white.
        side: Height and width.

    Returns:
        float32 (count, 1, side, side), luma code / 255: slopes of up to a code per sample,
        in all directions.
    """
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    levels = 16 + 219 * (np.arange(count) + 0.5) / count
    slopes, angles = random.uniform(0, 1, count), random.uniform(0, 2 * math.pi, count)
    across, down = slopes * np.cos(angles), slopes * np.sin(angles)
    codes = levels[:, None, None] + across[:, None, None] * columns + down[:, None, None] * rows
    return torch.from_numpy(codes.astype(np.float32)[:, None] / 255)
