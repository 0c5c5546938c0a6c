"""The networks, in PyTorch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.errors import InputError
from vs_espcn.training.data.kernels import cubic

LEAK = 0.1
"""Slope of the activation ``leaky`` below zero."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky": lambda x: functional.leaky_relu(x, LEAK),
}

# Luma is centred and spread before the first convolution, and put back after
# the last: activations around zero with a variance near one train far faster.
CENTRE = 0.45
SPREAD = 4.0


class Network(nn.Module, ABC):
    """What all networks have in common; weights are all that is saved."""

    def __init__(
        self, name: str, scale: int, activation: str, known: Collection[str] = tuple(ACTIVATIONS)
    ) -> None:
        """Name a network.

        Args:
            name: What ``--network`` calls it.
            scale: Integer scale.
            activation: What follows all convolutions but the last, one of ``known``.
            known: The activations that it may have.

        Raises:
            InputError: The activation is not known.
        """
        super().__init__()
        if activation not in known:
            raise InputError(f"activation {activation!r} is not known; choose {' or '.join(known)}")
        self.name = name
        self.branches = False
        self.scale = scale
        self.activation = activation

    @abstractmethod
    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Kernel (outputs, inputs, side, side) and bias (outputs,) of each convolution, in their order."""

    @abstractmethod
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Give a convolution another kernel and bias, so that ``folded`` has them.

        Args:
            number: Its place in ``folded``.
            kernel: (outputs, inputs, side, side).
            bias: (outputs,).
        """

    @abstractmethod
    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma, rearranged; what training compares with ``to_phases``.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, scale², H, W), on the same footing.
        """

    @abstractmethod
    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, 1, scale·H, scale·W), on the same footing; may overshoot.
        """


class ThreeLayers(Network):
    """Three convolutions with 64 and 32 channels between them.

    Each pads with zeros, so that the size stays. A subclass says on which grid
    they run.
    """

    def __init__(
        self, name: str, scale: int, activation: str, *, kernels: tuple[int, int, int], outputs: int
    ) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            name: What ``--network`` calls it.
            scale: Integer scale.
            activation: What follows the first two convolutions.
            kernels: Height and width of each convolution's kernel, odd.
            outputs: Channels of the last convolution.
        """
        super().__init__(name, scale, activation)
        first, second, third = kernels
        self.conv1 = nn.Conv2d(1, 64, first, padding=first // 2)
        self.conv2 = nn.Conv2d(64, 32, second, padding=second // 2)
        self.conv3 = nn.Conv2d(32, outputs, third, padding=third // 2)

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Kernels and biases; see ``Network``."""
        return [(layer.weight, layer.bias) for layer in self._convs() if layer.bias is not None]

    @torch.no_grad()
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Take over a kernel and a bias; see ``Network``."""
        layer = self._convs()[number]
        assert layer.bias is not None
        layer.weight.copy_(kernel)
        layer.bias.copy_(bias)

    def _convs(self) -> list[nn.Conv2d]:
        return [layer for layer in self.children() if isinstance(layer, nn.Conv2d)]

    def convolve(self, luma: Tensor) -> Tensor:
        """All three convolutions, on whatever grid they are given.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, outputs, H, W), on the same footing.
        """
        act = ACTIVATIONS[self.activation]
        x = (luma - CENTRE) * SPREAD  # (N, 1, H, W)
        x = act(self.conv1(x))  # (N, 64, H, W)
        x = act(self.conv2(x))  # (N, 32, H, W)
        x = self.conv3(x).float()  # (N, outputs, H, W), whatever autocast chose
        result: Tensor = x / SPREAD + CENTRE
        return result


class Espcn(ThreeLayers):
    """Efficient sub-pixel convolutional network (Shi et al., CVPR 2016).

    Everything but the shuffle runs at low resolution.
    """

    def __init__(self, scale: int, activation: str = "tanh", *, name: str = "espcn") -> None:
        """Make a network with random weights; see ``Network``."""
        super().__init__(name, scale, activation, kernels=(5, 3, 3), outputs=scale * scale)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma before the shuffle; see ``Network``."""
        return self.convolve(luma)  # (N, scale², H, W)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return functional.pixel_shuffle(self.phases(luma), self.scale)


class Bicubic(nn.Module):
    """Bicubic enlargement, the edge pixel repeated beyond the border; has nothing to train."""

    enlargement: Tensor

    def __init__(self, scale: int) -> None:
        """Make its kernels.

        Args:
            scale: Integer scale.
        """
        super().__init__()
        self.scale = scale
        self.register_buffer("enlargement", _bicubic_kernels(scale), persistent=False)

    def forward(self, luma: Tensor) -> Tensor:
        """Enlarge luma.

        Args:
            luma: float32 (N, 1, H, W).

        Returns:
            float32 (N, 1, scale·H, scale·W).
        """
        with torch.autocast(luma.device.type, enabled=False):
            padded = functional.pad(luma, (2, 2, 2, 2), "replicate")
            phases = functional.conv2d(padded, self.enlargement)  # (N, scale², H, W)
        return functional.pixel_shuffle(phases, self.scale)


class Srcnn(ThreeLayers):
    """What ESPCN is compared with (Dong et al., ECCV 2014 and TPAMI 2016).

    Luma is enlarged by bicubic first; everything after runs at high resolution.
    """

    def __init__(self, scale: int, activation: str = "relu", *, second: int) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            scale: Integer scale.
            activation: What follows the first two convolutions.
            second: Height and width of the second kernel: 1 for SRCNN 9-1-5, 5 for 9-5-5.
        """
        super().__init__(f"srcnn-9{second}5", scale, activation, kernels=(9, second, 5), outputs=1)
        self.bicubic = Bicubic(scale)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma, rearranged; see ``Network``."""
        return functional.pixel_unshuffle(self(luma), self.scale)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return self.convolve(self.bicubic(luma))


def _bicubic_kernels(scale: int) -> Tensor:
    """Bicubic enlargement as a sub-pixel convolution: one kernel per place in a scale×scale cell."""
    centres = (torch.arange(scale) + 0.5) / scale - 0.5  # in low-resolution pixels
    taps = cubic((centres[:, None] - torch.arange(-2, 3)).numpy())  # (scale, 5)
    line = torch.from_numpy(taps).float()
    return torch.einsum("ay,bx->abyx", line, line).reshape(scale * scale, 1, 5, 5)
