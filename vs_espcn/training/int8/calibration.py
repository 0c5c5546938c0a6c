"""Which 8-bit codes stand for a network's activations.

Each channel is scaled to reach an end of a common range on training patches,
which the next convolution undoes (Nagel et al., ICCV 2019). So one step and
one zero serve all channels of a layer, and hardly a code is wasted.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.quantization import codes_for

_HOMOGENEOUS = ("relu", "leaky")
"""Activations that commute with a positive factor, so that the convolution before them can hold it."""


@torch.no_grad()
def calibrate(network: Int8Network, low: Tensor) -> None:
    """Scale channels and choose codes; what the network computes in floats stays the same.

    Args:
        network: Trained in floats; changed in place.
        low: float32 (N, 1, H, W), luma code / 255; typical patches.
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
    """A factor for each channel, so that all of them fill a range from -b to 1.

    After a leaky ReLU some channels lie above zero, others a tenth as far below it. With a b
    of 1 half of the codes would be wasted on the one kind, with a small b most of them on the
    other. The b is taken whose rounding disturbs the next convolution least.

    Args:
        x: What the channels are, (N, channels, H, W).
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
    """Patches without texture, which photographs hardly have and in which errors show as bands.

    Where a picture is smooth, a rounded activation errs alike in all taps of a kernel,
    so the errors add up that elsewhere cancel out.

    Args:
        count: How many; their levels are spread evenly from black to white.
        side: Height and width.

    Returns:
        float32 (count, 1, side, side), luma code / 255: a plane each, which rises by up
        to a code per sample, in all directions.
    """
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    levels = 16 + 219 * (np.arange(count) + 0.5) / count
    slopes, angles = random.uniform(0, 1, count), random.uniform(0, 2 * math.pi, count)
    across, down = slopes * np.cos(angles), slopes * np.sin(angles)
    codes = levels[:, None, None] + across[:, None, None] * columns + down[:, None, None] * rows
    return torch.from_numpy(codes.astype(np.float32)[:, None] / 255)
