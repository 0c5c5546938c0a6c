"""The networks, in PyTorch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.errors import InputError

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}

# Luma is centred and spread before the first convolution, and put back after
# the last: activations around zero with a variance near one train far faster.
CENTRE = 0.45
SPREAD = 4.0


class Espcn(nn.Module):
    """Efficient sub-pixel convolutional network (Shi et al., CVPR 2016).

    Everything but the shuffle runs at low resolution. Each convolution pads
    with zeros, so that the size stays.
    """

    def __init__(self, scale: int, activation: str = "tanh") -> None:
        """Make a network with random weights.

        Args:
            scale: Integer scale.
            activation: What follows the first two convolutions, ``tanh`` or ``relu``.

        Raises:
            InputError: The activation is not known.
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise InputError(f"activation {activation!r} is not known; choose {' or '.join(ACTIVATIONS)}")
        self.scale = scale
        self.activation = activation
        self.conv1 = nn.Conv2d(1, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, scale * scale, 3, padding=1)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma before the shuffle; what training compares with ``to_phases``.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, scale², H, W), on the same footing.
        """
        act = ACTIVATIONS[self.activation]
        x = (luma - CENTRE) * SPREAD  # (N, 1, H, W)
        x = act(self.conv1(x))  # (N, 64, H, W)
        x = act(self.conv2(x))  # (N, 32, H, W)
        x = self.conv3(x).float()  # (N, scale², H, W), whatever autocast chose
        phases: Tensor = x / SPREAD + CENTRE
        return phases

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, 1, scale·H, scale·W), on the same footing; may overshoot.
        """
        return functional.pixel_shuffle(self.phases(luma), self.scale)
