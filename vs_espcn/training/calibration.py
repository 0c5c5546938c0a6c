"""Which 8-bit codes stand for a network's activations.

Each channel is scaled to reach 1 on training patches, which the next
convolution undoes (Nagel et al., ICCV 2019). So one step and one zero serve
all channels of a layer, and hardly a code is wasted.
"""

from itertools import pairwise

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
