"""Networks that upscale a frame from several, after Caballero et al. (VESPCN, CVPR 2017).

All have five 3×3 convolutions at low resolution, add the middle frame to each phase, and end in one pixel
shuffle. They differ in where frames meet:

* single: only the middle frame is seen;
* early: all frames are channels of the first convolution;
* slow: each convolution joins neighbours, with weights of its own for each pair, until one frame is left;
* 3d: the same, but all pairs of a convolution share weights, which is a 3D convolution over two frames.
"""

from bisect import bisect_left
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS = 5
KINDS = ("single", "early", "slow", "3d")
LEAK = 0.1
CENTRE, SPREAD = 0.45, 4.0
"""Luma is centred and spread before the first convolution."""

_FEWEST_CHANNELS, _MOST_CHANNELS = 4, 64

_TAIL_AT_FIRST = 0.1  # a small tail starts from the repeated middle frame


class Fusion(nn.Module):
    """One of ``KINDS`` for a window of frames."""

    def __init__(self, kind: str, *, frames: int, scale: int, channels: int) -> None:
        """Make a network with random weights.

        Args:
            kind: One of ``KINDS``.
            frames: Frames of the window, odd.
            scale: Integer scale.
            channels: Channels of each frame between two convolutions.
        """
        super().__init__()
        self.kind, self.frames, self.scale = kind, frames, scale
        self.layers = nn.ModuleList()
        seen = {"single": 1, "early": 1}.get(kind, frames)
        first = frames if kind == "early" else 1
        for number in range(LAYERS):
            inputs = first if number == 0 else channels
            outputs = scale**2 if number == LAYERS - 1 else channels
            joined = 2 if seen > 1 else 1
            seen = max(1, seen - 1)
            kernels = 1 if kind == "3d" else seen
            self.layers.append(
                nn.ModuleList(nn.Conv2d(joined * inputs, outputs, 3, padding=1) for _ in range(kernels))
            )
        with torch.no_grad():
            for weight in self.layers[-1].parameters():
                weight.mul_(_TAIL_AT_FIRST)

    def forward(self, window: Tensor) -> Tensor:
        """Upscale the middle frame.

        Args:
            window: float32 (N, frames, H, W), luma code / 255, aligned or not.

        Returns:
            float32 (N, 1, scale·H, scale·W).
        """
        middle = window[:, self.frames // 2, None]
        spread = (window - CENTRE) * SPREAD
        features = list(spread.split(1, 1))
        if self.kind == "single":
            features = [(middle - CENTRE) * SPREAD]
        elif self.kind == "early":
            features = [spread]
        for number, layer in enumerate(self.layers):
            features = _join(layer, features)
            if number < LAYERS - 1:
                features = [functional.leaky_relu(each, LEAK) for each in features]
        return functional.pixel_shuffle(features[0] / SPREAD + middle, self.scale)


def _join(layer: nn.Module, features: list[Tensor]) -> list[Tensor]:
    """Convolve neighbours together, or the one frame that is left."""
    assert isinstance(layer, nn.ModuleList)
    inputs = features
    if len(features) > 1:
        inputs = [torch.cat(pair, 1) for pair in pairwise(features)]
    return [layer[number % len(layer)](each) for number, each in enumerate(inputs)]


class Compensation(nn.Module):
    """Warps a neighbour onto the middle frame: a coarse flow, then a fine one on top."""

    def __init__(self, channels: int = 8) -> None:
        """Make a network with random weights whose flows start near nothing.

        Args:
            channels: Channels between its convolutions; the paper's have 24.
        """
        super().__init__()
        self.coarse = _flow(2, channels, (2, 1, 2, 1), shuffle=4)
        self.fine = _flow(5, channels, (2, 1, 1, 1), shuffle=2)

    def forward(self, middle: Tensor, neighbour: Tensor) -> Tensor:
        """Warp the neighbour.

        Args:
            middle: float32 (N, 1, H, W).
            neighbour: The same.

        Returns:
            float32 (N, 1, H, W).
        """
        coarse = self.coarse(torch.cat([middle, neighbour], 1))
        coarse = coarse[:, :, : middle.shape[2], : middle.shape[3]]
        once = warp(neighbour, coarse)
        fine = self.fine(torch.cat([middle, neighbour, once, coarse], 1))
        return warp(neighbour, coarse + fine[:, :, : middle.shape[2], : middle.shape[3]])


_FASTEST = 8.0
"""Pixels at low resolution that a flow may reach."""


def _flow(inputs: int, channels: int, strides: tuple[int, ...], *, shuffle: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for stride in strides:
        side = 5 if stride == 2 else 3
        layers += [nn.Conv2d(inputs, channels, side, stride, side // 2), nn.ReLU()]
        inputs = channels
    last = nn.Conv2d(channels, 2 * shuffle**2, 3, padding=1)
    with torch.no_grad():
        last.weight.mul_(_TAIL_AT_FIRST)
    return nn.Sequential(*layers, last, nn.Tanh(), nn.PixelShuffle(shuffle), _Times(_FASTEST))


class _Times(nn.Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return self.number * x


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Read an image at places moved by a flow, bilinearly, the edge pixel repeated.

    Args:
        image: float32 (N, 1, H, W).
        flow: float32 (N, 2, H, W), pixels to the right and down.

    Returns:
        float32 (N, 1, H, W).
    """
    _, _, height, width = image.shape
    rows = torch.arange(height, dtype=image.dtype)[:, None]
    columns = torch.arange(width, dtype=image.dtype)
    x = (columns + flow[:, 0] + 0.5) * 2 / width - 1
    y = (rows + flow[:, 1] + 0.5) * 2 / height - 1
    return functional.grid_sample(image, torch.stack([x, y], -1), padding_mode="border", align_corners=False)


class Compensated(nn.Module):
    """Warps each neighbour onto the middle frame, then fuses."""

    def __init__(self, fusion: Fusion, compensation: Compensation) -> None:
        """Join the two.

        Args:
            fusion: What upscales.
            compensation: What aligns.
        """
        super().__init__()
        self.fusion, self.compensation = fusion, compensation
        self.frames = fusion.frames

    def aligned(self, window: Tensor) -> Tensor:
        """The window with its neighbours warped, (N, frames, H, W)."""
        frames = list(window.split(1, 1))
        middle = frames[self.frames // 2]
        return torch.cat([each if each is middle else self.compensation(middle, each) for each in frames], 1)

    def forward(self, window: Tensor) -> Tensor:
        """Upscale the middle frame; see ``Fusion``."""
        upscaled: Tensor = self.fusion(self.aligned(window))
        return upscaled


def macs_per_sample(network: nn.Module, frames: int) -> float:
    """Multiply-adds of a network's convolutions per low-resolution pixel."""
    side, total = 16, 0

    def count(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += output.shape[2] * output.shape[3] * layer.weight.numel()

    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(count) for layer in convolutions]
    with torch.no_grad():
        network(torch.zeros(1, frames, side, side))
    for hook in hooks:
        hook.remove()
    return total / side**2


def make_equal(kind: str, *, frames: int, scale: int, learned: bool, budget: float) -> nn.Module:
    """The network of a kind whose operations come nearest to a budget.

    Args:
        kind: One of ``KINDS``.
        frames: Frames of the window, odd.
        scale: Integer scale.
        learned: Whether it aligns the neighbours itself; that counts.
        budget: Multiply-adds per low-resolution pixel.
    """

    def operations(channels: int) -> float:
        return macs_per_sample(_make(kind, frames, scale, channels, learned=learned), frames)

    above = bisect_left(range(_MOST_CHANNELS), budget, lo=_FEWEST_CHANNELS, key=operations)
    channels = min((above - 1, above), key=lambda channels: abs(operations(channels) - budget))
    torch.manual_seed(0)
    return _make(kind, frames, scale, channels, learned=learned)


def _make(kind: str, frames: int, scale: int, channels: int, *, learned: bool) -> nn.Module:
    fusion = Fusion(kind, frames=frames, scale=scale, channels=channels)
    return Compensated(fusion, Compensation()) if learned else fusion
