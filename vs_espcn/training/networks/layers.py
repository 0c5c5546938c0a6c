"""The base class of all networks, ESPCN and SRCNN, in PyTorch."""

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

# Luma is centred and spread before the first convolution, and converted back after
# the last: activations around zero with a variance near one train far faster.
CENTRE = 0.45
SPREAD = 4.0


class Network(nn.Module, ABC):
    """Base class of all networks; only their weights are saved."""

    def __init__(
        self, name: str, scale: int, activation: str, known: Collection[str] = tuple(ACTIVATIONS)
    ) -> None:
        """Name a network.

        Args:
            name: Its name for ``--network``.
            scale: Integer scale.
            activation: Activation after all convolutions but the last, one of ``known``.
            known: Activations that the network accepts.

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
        """Return kernel (outputs, inputs, side, side) and bias (outputs,) of each convolution, in order."""

    @abstractmethod
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Set a convolution's kernel and bias, so that ``folded`` returns them.

        Args:
            number: Index of the convolution in ``folded``.
            kernel: (outputs, inputs, side, side).
            bias: (outputs,).
        """

    @abstractmethod
    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma without the pixel shuffle; training compares the result with ``to_phases``.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, scale², H, W), code / 255.
        """

    @abstractmethod
    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, 1, scale·H, scale·W), code / 255; may overshoot.
        """


class ThreeLayers(Network):
    """Three convolutions with 64 and 32 channels between them.

    Each pads with zeros to keep the size. Subclasses choose the resolution at
    which they run.
    """

    def __init__(
        self, name: str, scale: int, activation: str, *, kernels: tuple[int, int, int], outputs: int
    ) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            name: Its name for ``--network``.
            scale: Integer scale.
            activation: Activation after the first two convolutions.
            kernels: Height and width of each convolution's kernel, odd.
            outputs: Channels of the last convolution.
        """
        super().__init__(name, scale, activation)
        first, second, third = kernels
        self.conv1 = nn.Conv2d(1, 64, first, padding=first // 2)
        self.conv2 = nn.Conv2d(64, 32, second, padding=second // 2)
        self.conv3 = nn.Conv2d(32, outputs, third, padding=third // 2)

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Return kernels and biases; see ``Network``."""
        return [(layer.weight, layer.bias) for layer in self._convs() if layer.bias is not None]

    @torch.no_grad()
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Set a kernel and a bias; see ``Network``."""
        layer = self._convs()[number]
        assert layer.bias is not None
        layer.weight.copy_(kernel)
        layer.bias.copy_(bias)

    def _convs(self) -> list[nn.Conv2d]:
        return [layer for layer in self.children() if isinstance(layer, nn.Conv2d)]

    def convolve(self, luma: Tensor) -> Tensor:
        """Run all three convolutions at the resolution of their input.

        Args:
            luma: float32 (N, 1, H, W), code / 255.

        Returns:
            float32 (N, outputs, H, W), code / 255.
        """
        act = ACTIVATIONS[self.activation]
        x = (luma - CENTRE) * SPREAD  # (N, 1, H, W)
        x = act(self.conv1(x))  # (N, 64, H, W)
        x = act(self.conv2(x))  # (N, 32, H, W)
        x = self.conv3(x).float()  # (N, outputs, H, W), in float32 under autocast too
        result: Tensor = x / SPREAD + CENTRE
        return result


class Espcn(ThreeLayers):
    """Efficient sub-pixel convolutional network (Shi et al., CVPR 2016).

    All but the pixel shuffle runs at low resolution.
    """

    def __init__(self, scale: int, activation: str = "tanh", *, name: str = "espcn") -> None:
        """Make a network with random weights; see ``Network``."""
        super().__init__(name, scale, activation, kernels=(5, 3, 3), outputs=scale * scale)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma without the shuffle; see ``Network``."""
        return self.convolve(luma)  # (N, scale², H, W)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return functional.pixel_shuffle(self.phases(luma), self.scale)


class Bicubic(nn.Module):
    """Bicubic enlargement with edge pixels repeated beyond the border; it has no weights to train."""

    enlargement: Tensor

    def __init__(self, scale: int) -> None:
        """Make the kernels.

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
    """SRCNN (Dong et al., ECCV 2014 and TPAMI 2016), the baseline of the ESPCN paper.

    Luma is enlarged by bicubic first; all convolutions run at high resolution.
    """

    def __init__(self, scale: int, activation: str = "relu", *, second: int) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            scale: Integer scale.
            activation: Activation after the first two convolutions.
            second: Height and width of the second kernel: 1 for SRCNN 9-1-5, 5 for 9-5-5.
        """
        super().__init__(f"srcnn-9{second}5", scale, activation, kernels=(9, second, 5), outputs=1)
        self.bicubic = Bicubic(scale)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma and rearrange it; see ``Network``."""
        return functional.pixel_unshuffle(self(luma), self.scale)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return self.convolve(self.bicubic(luma))


def _bicubic_kernels(scale: int) -> Tensor:
    """Return bicubic as a sub-pixel convolution, with a kernel per position in a scale×scale cell."""
    centres = (torch.arange(scale) + 0.5) / scale - 0.5  # in low-resolution pixels
    taps = cubic((centres[:, None] - torch.arange(-2, 3)).numpy())  # (scale, 5)
    line = torch.from_numpy(taps).float()
    return torch.einsum("ay,bx->abyx", line, line).reshape(scale * scale, 1, 5, 5)
