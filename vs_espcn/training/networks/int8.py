"""Networks whose convolutions run in 8-bit integers, in PyTorch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.networks.registry import INT8_SUFFIX
from vs_espcn.training.networks.layers import ACTIVATIONS, CENTRE, SPREAD, Network
from vs_espcn.training.networks.quantization import INPUT_ZERO, round_to_codes
from vs_espcn.training.networks.subpixel import Subpixel


class CodedConv(nn.Conv2d):
    """A convolution whose input and, once they are rounded, weights are 8-bit codes.

    Attributes:
        input_gain: What each channel of the input is multiplied by before it is rounded, float32
            (inputs, 1, 1); the weights are those that go with it.
        input_step: What a code of the input is worth, float32 (); 0 before calibration.
        input_zero: The code of 0, −128 … 127, float32 ().
        weight_steps: What a code of each output channel's weights is worth, float32 (outputs,);
            0 before rounding.
    """

    input_gain: Tensor
    input_step: Tensor
    input_zero: Tensor
    weight_steps: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor) -> None:
        """Take over weights, as floats.

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
        """The bias, which there always is."""
        assert self.bias is not None
        return self.bias

    def scale_input(self, x: Tensor) -> Tensor:
        """Its input as the weights expect it."""
        return x * self.input_gain

    def round_input(self, x: Tensor) -> Tensor:
        """The same, rounded to codes."""
        return round_to_codes(self.scale_input(x), self.input_step, self.input_zero)


class Int8Network(Network):
    """An ESPCN or a sub-pixel network whose convolutions run in 8-bit integers.

    Luma is made of codes already. Activations are rounded to codes here, whose
    range ``vs_espcn.training.int8.calibration`` finds, and weights by
    ``vs_espcn.training.int8.rounding``. The input skip of a
    sub-pixel network is not rounded.
    """

    def __init__(self, of: Network) -> None:
        """Take over the weights of a network in floats.

        Args:
            of: An ``Espcn`` or ``Subpixel`` of any activation; not changed.
        """
        super().__init__(f"{of.name}{INT8_SUFFIX}", of.scale, of.activation)
        self.skip = isinstance(of, Subpixel)
        (kernel, bias), *others = of.folded()
        # Zero is a whole code here, a quarter of one beside a float network's.
        shift = self.spread_out(torch.tensor(CENTRE))
        first = CodedConv(kernel, bias - kernel.sum((1, 2, 3)) * shift)
        first.input_step.fill_(SPREAD / 255)
        first.input_zero.fill_(INPUT_ZERO - 128)
        self.convs = nn.ModuleList([first, *(CodedConv(*layer) for layer in others)])

    @property
    def layers(self) -> list[CodedConv]:
        """The convolutions, in the order in which they run."""
        return [module for module in self.convs if isinstance(module, CodedConv)]

    @property
    def is_calibrated(self) -> bool:
        """Whether the codes of all activations are known."""
        return all(bool(layer.input_step > 0) for layer in self.layers)

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Kernels and biases; see ``Network``."""
        return [(layer.weight, layer.bias_) for layer in self.layers]

    @torch.no_grad()
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Take over a kernel and a bias; see ``Network``."""
        self.layers[number].weight.copy_(kernel)
        self.layers[number].bias_.copy_(bias)

    def spread_out(self, luma: Tensor) -> Tensor:
        """Luma as the first convolution takes it: in steps of one code, around a code."""
        return (luma - INPUT_ZERO / 255) * SPREAD

    def activate(self, x: Tensor) -> Tensor:
        """What follows all convolutions but the last."""
        return ACTIVATIONS[self.activation](x)

    def phases(self, luma: Tensor) -> Tensor:
        """Upscaled luma before the shuffle, activations rounded to codes; see ``Network``."""
        first, *others = self.layers
        x: Tensor = first(self.spread_out(luma))  # (N, channels, H, W)
        for layer in others:
            x = layer(layer.round_input(self.activate(x)))
        return x.float() / SPREAD + (luma if self.skip else CENTRE)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        return functional.pixel_shuffle(self.phases(luma), self.scale)
