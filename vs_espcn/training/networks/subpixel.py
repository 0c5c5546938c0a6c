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


# Deep networks train far better from small weights: the body starts close to the
# identity, the tail close to the repeated luma.
_BODY_AT_FIRST, _TAIL_AT_FIRST = 0.25, 0.1


class Subpixel(Network):
    """Thin 3×3 convolutions at low resolution, trained as folded sums, and one pixel shuffle.

    A network like ECBSR (Zhang, Zeng and Zhang, ACM MM 2021): the luma itself
    is added to each phase, so the convolutions compute only the detail.
    """

    def __init__(
        self, name: str, scale: int, activation: str = "leaky", *, shape: Shape, branches: bool = False
    ) -> None:
        """Make a network with random weights; see ``Network``.

        Args:
            name: Its name for ``--network``.
            scale: Integer scale.
            activation: Activation after all convolutions but the last.
            shape: Its channels and depth.
            branches: True to train each convolution's kernel in parallel with ``Branches``.
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
        """The convolutions, in order of execution."""
        return [module for module in self.modules() if isinstance(module, FoldedConv)]

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Return kernels and biases; see ``Network``."""
        return [layer.fold() for layer in self.layers]

    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Set a kernel and a bias; see ``Network``."""
        self.layers[number].unfold(kernel, bias)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma without the shuffle; see ``Network``."""
        act = ACTIVATIONS[self.activation]
        *inner, last = self.layers
        x = (luma - CENTRE) * SPREAD  # (N, 1, H, W)
        for layer in inner:
            x = act(layer(x))  # (N, channels, H, W)
        detail: Tensor = last(x).float()  # (N, scale², H, W), in float32 under autocast too
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
