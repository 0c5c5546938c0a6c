"""Which 8-bit codes stand for a network's activations.

Each channel is scaled to reach 1 on training patches, which the next
convolution undoes (Nagel et al., ICCV 2019). So one step and one zero serve
all channels of a layer, and hardly a code is wasted.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vs_espcn.training.int8_network import Int8Network
from vs_espcn.training.quantization import codes_for

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
        gain = 1 / x.abs().amax((0, 2, 3)).clamp(min=1e-6)
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
