"""Which 8-bit codes stand for the activations of a network that have no end.

Each channel is scaled to reach 1 on training patches, which such activations
allow: the next convolution undoes it (Nagel et al., ICCV 2019). So one step
and one zero serve all channels of a layer, and no code is wasted.
"""

from itertools import pairwise

import torch
from torch import Tensor

from vs_espcn.training.int8_network import Int8Network
from vs_espcn.training.quantization import codes_for


@torch.no_grad()
def calibrate(network: Int8Network, low: Tensor) -> None:
    """Scale channels and choose codes; what the network computes in floats stays the same.

    Args:
        network: With ``relu`` or ``leaky``, trained in floats; changed in place.
        low: float32 (N, 1, H, W), luma code / 255; typical patches.
    """
    x = network.spread_out(low)
    for layer, following in pairwise(network.layers):
        x = network.activate(layer(x))  # (N, channels, H, W)
        reach = x.abs().amax((0, 2, 3)).clamp(min=1e-6)
        layer.weight.div_(reach[:, None, None, None])
        layer.bias_.div_(reach)
        following.weight.mul_(reach[:, None, None])
        x = x / reach[:, None, None]
        step, zero = codes_for(x.min().clamp(max=0), x.max())
        following.input_step.copy_(step)
        following.input_zero.copy_(zero)
