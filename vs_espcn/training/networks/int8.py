"""Networks with 8-bit integer convolutions, in PyTorch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.networks.registry import INT8_SUFFIX
from vs_espcn.training.networks.layers import ACTIVATIONS, CENTRE, SPREAD, Network
from vs_espcn.training.networks.quantization import INPUT_ZERO, round_to_codes
from vs_espcn.training.networks.subpixel import Subpixel


class CodedConv(nn.Conv2d):
    """A convolution whose input is 8-bit codes, and whose weights are too after rounding.

    Attributes:
        input_gain: Gain of each input channel before rounding, float32 (inputs, 1, 1); the weights
            are for the scaled input.
        input_step: Quantisation step of the input, float32 (); 0 before calibration.
        input_zero: Zero point of the input, −128 … 127, float32 ().
        weight_steps: Quantisation step of each output channel's weights, float32 (outputs,); 0 before
            rounding.
    """

    input_gain: Tensor
    input_step: Tensor
    input_zero: Tensor
    weight_steps: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor) -> None:
        """Copy float weights.

        Args:
            kernel: float32 (outputs, inputs, side, side), side odd.
            bias: float32 (outputs,).
        """
        outputs, inputs, side, _ = kernel.shape
        super().__init__(inputs, outputs, side, padding=side // 2)
        self.weight.data.copy_(kernel.detach())
        self.bias_.data.copy_(bias.detach())
        self.register_buffer("input_gain", torch.ones(inputs, 1, 1))
        self.register_buffer("input_step", torch.zeros(()))
        self.register_buffer("input_zero", torch.zeros(()))
        self.register_buffer("weight_steps", torch.zeros(outputs))

    @property
    def bias_(self) -> Tensor:
        """The bias, which always exists."""
        assert self.bias is not None
        return self.bias

    def scale_input(self, x: Tensor) -> Tensor:
        """Return an input scaled for the weights."""
        return x * self.input_gain

    def round_input(self, x: Tensor) -> Tensor:
        """Return an input scaled for the weights and rounded to codes."""
        return round_to_codes(self.scale_input(x), self.input_step, self.input_zero)


class Int8Network(Network):
    """An ESPCN or a sub-pixel network whose convolutions run in 8-bit integers.

    Luma already consists of codes. This class rounds activations to codes, with
    steps from ``vs_espcn.training.int8.calibration``;
    ``vs_espcn.training.int8.rounding`` rounds the weights. The input skip of a
    sub-pixel network is not rounded.
    """

    def __init__(self, of: Network) -> None:
        """Copy the weights of a float network.

        Args:
            of: An ``Espcn`` or ``Subpixel`` with any activation; it is not changed.
        """
        super().__init__(f"{of.name}{INT8_SUFFIX}", of.scale, of.activation)
        self.skip = isinstance(of, Subpixel)
        (kernel, bias), *others = of.folded()
        # Zero is a code here, a quarter of a code away from the float network's zero.
        shift = self.spread_out(torch.tensor(CENTRE))
        first = CodedConv(kernel, bias - kernel.sum((1, 2, 3)) * shift)
        first.input_step.fill_(SPREAD / 255)
        first.input_zero.fill_(INPUT_ZERO - 128)
        self.convs = nn.ModuleList([first, *(CodedConv(*layer) for layer in others)])

    @property
    def layers(self) -> list[CodedConv]:
        """The convolutions, in order of execution."""
        return [module for module in self.convs if isinstance(module, CodedConv)]

    @property
    def is_calibrated(self) -> bool:
        """True if the quantisation steps of all activations are known."""
        return all(bool(layer.input_step > 0) for layer in self.layers)

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Return kernels and biases; see ``Network``."""
        return [(layer.weight, layer.bias_) for layer in self.layers]

    @torch.no_grad()
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Set a kernel and a bias; see ``Network``."""
        self.layers[number].weight.copy_(kernel)
        self.layers[number].bias_.copy_(bias)

    def spread_out(self, luma: Tensor) -> Tensor:
        """Return luma as the first convolution takes it, centred on `INPUT_ZERO` and spread."""
        return (luma - INPUT_ZERO / 255) * SPREAD

    def activate(self, x: Tensor) -> Tensor:
        """Apply the activation that follows all convolutions but the last."""
        return ACTIVATIONS[self.activation](x)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma without the shuffle, with activations rounded to codes; see ``Network``."""
        first, *others = self.layers
        x: Tensor = first(self.spread_out(luma))  # (N, channels, H, W)
        for layer in others:
            x = layer(layer.round_input(self.activate(x)))
        return x.float() / SPREAD + (luma if self.skip else CENTRE)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return functional.pixel_shuffle(self.phases(luma), self.scale)
