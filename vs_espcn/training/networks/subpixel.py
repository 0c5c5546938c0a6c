"""The thin sub-pixel networks, in PyTorch."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.training.networks.branches import FoldedConv
from vs_espcn.training.networks.layers import ACTIVATIONS, CENTRE, SPREAD, Network


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


SHAPES = {
    "subpixel-xs": Shape(channels=8, depth=2),
    "subpixel-s": Shape(channels=16, depth=4),
    "subpixel-m": Shape(channels=16, depth=8),
    "subpixel-l": Shape(channels=16, depth=16),
}
