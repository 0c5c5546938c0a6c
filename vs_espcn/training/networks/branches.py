"""3×3 convolutions that are trained as a sum of branches and run as one.

As in ECBSR (Zhang, Zeng and Zhang, ACM MM 2021), a plain kernel has parallel
branches: a wide 1×1 convolution followed by a 3×3 one, edge filters after 1×1
convolutions, and the identity. All are linear, so their sum is one kernel and
one bias. Between the two convolutions of a branch, the padding is the bias of
the first, its result for zeros; so the sum is exact up to the border.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_SOBEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
_LAPLACE = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
EDGES = torch.stack([_SOBEL, _SOBEL.T, _LAPLACE])
"""The edge filters, (3, 3, 3)."""

_WIDENING = 2


class Branches(nn.Module):
    """The branches that are trained in parallel with a plain 3×3 kernel."""

    edges: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make branches with random weights; those of the edge filters are scaled by a tenth.

        Args:
            inputs: Input channels.
            outputs: Output channels.
        """
        super().__init__()
        self.widen = nn.Conv2d(inputs, _WIDENING * outputs, 1)
        self.gather = nn.Conv2d(_WIDENING * outputs, outputs, 3)
        self.feed = nn.Conv2d(inputs, len(EDGES) * outputs, 1, bias=False)  # edge filters ignore constants
        self.amplitude = nn.Parameter(torch.full((len(EDGES) * outputs,), 0.1))
        self.register_buffer("edges", EDGES, persistent=False)

    def fold(self) -> tuple[Tensor, Tensor]:
        """Return the sum of the branches as a kernel (outputs, inputs, 3, 3) and a bias (outputs,)."""
        widen, gather, feed = self.widen.weight[:, :, 0, 0], self.gather.weight, self.feed.weight[:, :, 0, 0]
        assert self.widen.bias is not None
        assert self.gather.bias is not None
        fed = (self.amplitude[:, None] * feed).reshape(len(self.edges), -1, feed.shape[1])
        kernel = torch.einsum("owyx,wi->oiyx", gather, widen) + torch.einsum("eoi,eyx->oiyx", fed, self.edges)
        return kernel, gather.sum((2, 3)) @ self.widen.bias + self.gather.bias

    def forward(self, x: Tensor) -> Tensor:
        """Compute the branches one by one; the kernel of ``fold`` gives the same.

        Args:
            x: (N, inputs, H, W).

        Returns:
            (N, outputs, H, W).
        """
        padded = functional.pad(x, (1, 1, 1, 1))
        total: Tensor = self.gather(self.widen(padded))
        count = len(self.edges)
        parts = zip(self.feed(padded).chunk(count, 1), self.amplitude.chunk(count), self.edges, strict=True)
        for fed, amplitude, edge in parts:
            kernel = amplitude[:, None, None, None] * edge  # (outputs, 1, 3, 3)
            total = total + functional.conv2d(fed, kernel, groups=len(kernel))
        return total


class FoldedConv(nn.Module):
    """A 3×3 convolution with zero padding that runs folded in training as well.

    Its gradient is that of the sum of branches, at the cost of one convolution.
    """

    identity: Tensor

    def __init__(self, inputs: int, outputs: int, *, branches: bool, identity: bool) -> None:
        """Make a convolution with random weights.

        Args:
            inputs: Input channels.
            outputs: Output channels.
            branches: True to train it as a sum of branches.
            identity: True to add the input to the output, which has as many channels.
        """
        super().__init__()
        self.plain = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.branches = Branches(inputs, outputs) if branches else None
        kernel = torch.zeros(outputs, inputs, 3, 3)
        if identity:
            nn.init.dirac_(kernel)
        self.register_buffer("identity", kernel, persistent=False)

    @torch.no_grad()
    def weaken(self, share: float) -> None:
        """Scale the trained weights; the identity stays the same.

        Args:
            share: Factor of the weights, 0..1.
        """
        self.plain.weight.mul_(share)
        if self.branches is not None:
            self.branches.gather.weight.mul_(share)
            self.branches.amplitude.mul_(share)

    def fold(self) -> tuple[Tensor, Tensor]:
        """Return the whole convolution as a kernel (outputs, inputs, 3, 3) and a bias (outputs,)."""
        kernel, bias = self.plain.weight + self.identity, self.plain.bias
        assert bias is not None
        if self.branches is not None:
            more_kernel, more_bias = self.branches.fold()
            kernel, bias = kernel + more_kernel, bias + more_bias
        return kernel, bias

    @torch.no_grad()
    def unfold(self, kernel: Tensor, bias: Tensor) -> None:
        """Change the plain kernel so that ``fold`` returns the given one; the branches stay the same.

        Args:
            kernel: (outputs, inputs, 3, 3).
            bias: (outputs,).
        """
        own_kernel, own_bias = self.fold()
        assert self.plain.bias is not None
        self.plain.weight.add_(kernel - own_kernel)
        self.plain.bias.add_(bias - own_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (N, inputs, H, W).

        Returns:
            (N, outputs, H, W).
        """
        return functional.conv2d(x, *self.fold(), padding=1)
