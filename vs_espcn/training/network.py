"""The networks, in PyTorch."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.errors import InputError
from vs_espcn.models import INT8_SUFFIX
from vs_espcn.training.branches import FoldedConv
from vs_espcn.training.degradation import cubic
from vs_espcn.training.quantization import INPUT_ZERO, round_activations, saturate

LEAK = 0.1
"""Slope of the activation ``leaky`` below zero."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "clip": saturate,
    "leaky": lambda x: functional.leaky_relu(x, LEAK),
}

# Luma is centred and spread before the first convolution, and put back after
# the last: activations around zero with a variance near one train far faster.
CENTRE = 0.45
SPREAD = 4.0


class Network(nn.Module, ABC):
    """What all networks have in common; weights are all that is saved."""

    def __init__(self, name: str, scale: int, activation: str) -> None:
        """Name a network.

        Args:
            name: What ``--network`` calls it.
            scale: Integer scale.
            activation: What follows all convolutions but the last, a key of ``ACTIVATIONS``.

        Raises:
            InputError: The activation is not known.
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise InputError(f"activation {activation!r} is not known; choose {' or '.join(ACTIVATIONS)}")
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


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Size of a ``Subpixel``.

    Attributes:
        channels: Channels between two convolutions.
        depth: Convolutions between the first and the last.
    """

    channels: int
    depth: int


# Deep networks train far better from close to nothing: the body from the
# identity, the tail from the repeated luma.
_BODY_AT_FIRST, _TAIL_AT_FIRST = 0.25, 0.1


class Subpixel(Network):
    """Thin 3×3 convolutions at low resolution, trained as sums that run as one kernel; one pixel shuffle.

    A network of the kind of ECBSR (Zhang, Zeng and Zhang, ACM MM 2021): the
    luma itself is added to each phase, so that the convolutions add detail only.
    """

    def __init__(
        self, name: str, scale: int, activation: str = "leaky", *, shape: Shape, branches: bool = False
    ) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            name: What ``--network`` calls it.
            scale: Integer scale.
            activation: What follows all convolutions but the last.
            shape: Its size.
            branches: Whether to train each convolution with ``Branches`` beside its kernel.
        """
        super().__init__(name, scale, activation)
        self.branches = branches
        width, outputs = shape.channels, scale * scale
        self.head = FoldedConv(1, width, branches=branches, identity=False)
        self.body = nn.ModuleList(
            FoldedConv(width, width, branches=branches, identity=True) for _ in range(shape.depth)
        )
        self.tail = FoldedConv(width, outputs, branches=branches, identity=False)
        for layer in self.layers[1:-1]:
            layer.weaken(_BODY_AT_FIRST)
        self.tail.weaken(_TAIL_AT_FIRST)

    @property
    def layers(self) -> list[FoldedConv]:
        """The convolutions, in the order in which they run."""
        return [module for module in self.modules() if isinstance(module, FoldedConv)]

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Kernels and biases; see ``Network``."""
        return [layer.fold() for layer in self.layers]

    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Take over a kernel and a bias; see ``Network``."""
        self.layers[number].unfold(kernel, bias)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma before the shuffle; see ``Network``."""
        act = ACTIVATIONS[self.activation]
        *inner, last = self.layers
        x = (luma - CENTRE) * SPREAD  # (N, 1, H, W)
        for layer in inner:
            x = act(layer(x))  # (N, channels, H, W)
        detail: Tensor = last(x).float()  # (N, scale², H, W), whatever autocast chose
        return detail / SPREAD + luma

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return functional.pixel_shuffle(self.phases(luma), self.scale)


class Int8Espcn(Espcn):
    """ESPCN whose convolutions run in 8-bit integers.

    Luma is made of codes already; activations are rounded to codes here, and
    weights by ``vs_espcn.training.rounding``, which notes the value of a code
    of each output channel as ``conv1_steps`` and so on.
    """

    def __init__(self, scale: int, activation: str = "tanh") -> None:
        """Make a network with random weights; see ``Network``."""
        super().__init__(scale, activation, name=f"espcn{INT8_SUFFIX}")
        for name, channels in (("conv1", 64), ("conv2", 32), ("conv3", scale * scale)):
            self.register_buffer(f"{name}_steps", torch.zeros(channels))

    def convolve(self, luma: Tensor) -> Tensor:
        """All three convolutions, their inputs rounded to codes; see ``Network``."""
        x = self.spread_out(luma)  # (N, 1, H, W)
        x = self.activate(self.conv1(x), rounding=True)  # (N, 64, H, W)
        x = self.activate(self.conv2(x), rounding=True)  # (N, 32, H, W)
        x = self.conv3(x).float()  # (N, outputs, H, W)
        result: Tensor = x / SPREAD + CENTRE
        return result

    def spread_out(self, luma: Tensor) -> Tensor:
        """Luma as the first convolution takes it: in steps of one code, around a code."""
        return (luma - INPUT_ZERO / 255) * SPREAD

    def activate(self, x: Tensor, *, rounding: bool = False) -> Tensor:
        """What follows the first two convolutions, rounded to codes or not."""
        x = ACTIVATIONS[self.activation](x)
        return round_activations(x) if rounding else x

    def steps(self, name: str) -> Tensor:
        """The value of a code of each of a layer's output channels, float32 (outputs,); 0 before rounding."""
        return self.get_buffer(f"{name}_steps")

    def set_steps(self, name: str, steps: Tensor) -> None:
        """Note what ``steps`` gives."""
        self.get_buffer(f"{name}_steps").copy_(steps)


class Srcnn(ThreeLayers):
    """What ESPCN is compared with (Dong et al., ECCV 2014 and TPAMI 2016).

    Luma is enlarged by bicubic first; everything after runs at high resolution.
    """

    enlargement: Tensor

    def __init__(self, scale: int, activation: str = "relu", *, second: int) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            scale: Integer scale.
            activation: What follows the first two convolutions.
            second: Height and width of the second kernel: 1 for SRCNN 9-1-5, 5 for 9-5-5.
        """
        super().__init__(f"srcnn-9{second}5", scale, activation, kernels=(9, second, 5), outputs=1)
        self.register_buffer("enlargement", _bicubic_kernels(scale), persistent=False)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma, rearranged; see ``Network``."""
        return functional.pixel_unshuffle(self(luma), self.scale)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return self.convolve(self.bicubic(luma))

    def bicubic(self, luma: Tensor) -> Tensor:
        """Enlarge luma by bicubic, the edge pixel repeated beyond the border.

        Args:
            luma: float32 (N, 1, H, W).

        Returns:
            float32 (N, 1, scale·H, scale·W).
        """
        with torch.autocast(luma.device.type, enabled=False):
            padded = functional.pad(luma, (2, 2, 2, 2), "replicate")
            phases = functional.conv2d(padded, self.enlargement)  # (N, scale², H, W)
        return functional.pixel_shuffle(phases, self.scale)


SHAPES = {
    "subpixel-s": Shape(channels=16, depth=4),
    "subpixel-m": Shape(channels=16, depth=8),
    "subpixel-l": Shape(channels=32, depth=4),
}

NETWORKS: dict[str, Callable[[int, str | None], Network]] = {
    "espcn": lambda scale, activation: Espcn(scale, activation or "tanh"),
    f"espcn{INT8_SUFFIX}": lambda scale, activation: Int8Espcn(scale, activation or "tanh"),
    "srcnn-915": lambda scale, activation: Srcnn(scale, activation or "relu", second=1),
    "srcnn-955": lambda scale, activation: Srcnn(scale, activation or "relu", second=5),
}


def make_network(name: str, scale: int, activation: str | None = None, *, branches: bool = False) -> Network:
    """Make a network with random weights.

    Args:
        name: A key of ``NETWORKS`` or ``SHAPES``.
        scale: Integer scale.
        activation: A key of ``ACTIVATIONS``; None for the network's own.
        branches: Whether to train each convolution of a ``Subpixel`` as a sum of branches.

    Raises:
        InputError: The network or the activation is not known, or has no branches.
    """
    if activation == "clip" and not name.endswith(INT8_SUFFIX):
        raise InputError(
            f"activation 'clip' is that of int8 codes; network {name!r} has none, choose another"
        )
    if name in SHAPES:
        return Subpixel(name, scale, activation or "leaky", shape=SHAPES[name], branches=branches)
    if name not in NETWORKS:
        raise InputError(f"network {name!r} cannot be trained; choose {', '.join([*NETWORKS, *SHAPES])}")
    if branches:
        raise InputError(
            f"network {name!r} has no branches; leave out --branches, or choose {', '.join(SHAPES)}"
        )
    return NETWORKS[name](scale, activation)


def _bicubic_kernels(scale: int) -> Tensor:
    """Bicubic enlargement as a sub-pixel convolution: one kernel per place in a scale×scale cell."""
    centres = (torch.arange(scale) + 0.5) / scale - 0.5  # in low-resolution pixels
    taps = cubic((centres[:, None] - torch.arange(-2, 3)).numpy())  # (scale, 5)
    line = torch.from_numpy(taps).float()
    return torch.einsum("ay,bx->abyx", line, line).reshape(scale * scale, 1, 5, 5)
