"""TNRD, a baseline, in PyTorch (Chen and Pock, TPAMI 2017)."""

import math
from typing import override

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vs_espcn.errors import InputError
from vs_espcn.training.data.kernels import cubic
from vs_espcn.training.networks.layers import CENTRE, Bicubic, Network

ACTIVATION = "gaussians"
"""Name of the influence functions for ``--activation`` and in metadata."""

STAGES = 5
FILTERS = 48  # 7·7 less the constant one
SIDE = 7
MARGIN = SIDE // 2
CENTRES = 63
REACH = 310 / 255
"""Gaussians stand from −REACH to REACH, luma code / 255, one width apart."""

WIDTH = 2 * REACH / (CENTRES - 1)
_TAIL = 4  # widths beyond the outermost Gaussian, where the sum is close to nothing
_FINENESS = 8  # table entries per width; linear interpolation is then wrong by 0.2 % of a weight at most
_ENTRIES = _FINENESS * (CENTRES - 1 + 2 * _TAIL) + 1
TABLE_REACH = REACH + _TAIL * WIDTH

WEIGHT_UNIT = 0.01
"""Unit of the weights: 48 filters of 49 taps add up, so influences are small beside luma."""

_FIRST_REACTION = 0.1


def cosine_basis() -> Tensor:
    """Return the basis of the filters: DCT-II of 7×7 without the constant, (48, 7, 7), orthonormal."""
    place, frequency = np.arange(SIDE), np.arange(SIDE)[:, None]
    line = np.cos(np.pi * (place + 0.5) * frequency / SIDE) * math.sqrt(2 / SIDE)
    line[0] /= math.sqrt(2)
    planes = np.einsum("ay,bx->abyx", line, line).reshape(SIDE**2, SIDE, SIDE)
    return torch.from_numpy(planes[1:]).float()


def gaussians() -> Tensor:
    """Return each Gaussian at each entry of the table, (63, entries)."""
    centres = torch.linspace(-REACH, REACH, CENTRES, dtype=torch.float64)
    entries = torch.linspace(-TABLE_REACH, TABLE_REACH, _ENTRIES, dtype=torch.float64)
    return torch.exp(-(((entries - centres[:, None]) / WIDTH) ** 2) / 2).float()


def reduction(scale: int) -> Tensor:
    """Return antialiased bicubic reduction as a kernel of stride ``scale``, (1, 1, side, side)."""
    taps = 4 * scale - scale % 2  # centred between pixels where the scale is even
    line = torch.from_numpy(cubic((np.arange(taps) - (taps - 1) / 2) / scale)).float()
    line /= line.sum()
    return torch.outer(line, line)[None, None]


class Stage(nn.Module):
    """One step of the diffusion: u − Σ k̄ᵢ ∗ φᵢ(kᵢ ∗ u) − λ Aᵀ(A u − f).

    k̄ᵢ is kᵢ turned round, φᵢ a sum of Gaussians, A the reduction that made f of the image.
    """

    basis: Tensor
    gaussians: Tensor
    reduction: Tensor

    def __init__(self, scale: int) -> None:
        """Start from cosine filters and influences near zero.

        Args:
            scale: Integer scale.
        """
        super().__init__()
        self.scale = scale
        self.coefficients = nn.Parameter(torch.eye(FILTERS))
        self.weights = nn.Parameter(1e-3 * torch.randn(FILTERS, CENTRES))
        self.reaction = nn.Parameter(torch.tensor(_FIRST_REACTION * scale**2))
        self.register_buffer("basis", cosine_basis(), persistent=False)
        self.register_buffer("gaussians", gaussians(), persistent=False)
        self.register_buffer("reduction", reduction(scale), persistent=False)

    @property
    def margin(self) -> int:
        """Pixels of the reduction's kernel beyond one low-resolution pixel, to each side."""
        return (self.reduction.shape[-1] - self.scale) // 2

    def kernels(self) -> Tensor:
        """Return the filters, (48, 1, 7, 7), each of mean 0 and norm 1."""
        unit = functional.normalize(self.coefficients, dim=1)
        return torch.einsum("fb,byx->fyx", unit, self.basis)[:, None]

    def tables(self) -> Tensor:
        """Return the influences at even steps from −TABLE_REACH to TABLE_REACH, (48, entries)."""
        return WEIGHT_UNIT * self.weights @ self.gaussians

    def influence(self, responses: Tensor) -> Tensor:
        """Apply φ to the responses of each filter: linear between the table's entries, constant beyond.

        Args:
            responses: (N, 48, H, W).

        Returns:
            (N, 48, H, W).
        """
        count, _, height, width = responses.shape
        places = responses.reshape(count * FILTERS, height, width) / TABLE_REACH
        tables = self.tables().repeat(count, 1)[:, None, None]  # (N·48, 1, 1, entries)
        grid = torch.stack([places, torch.zeros_like(places)], -1)
        values = functional.grid_sample(tables, grid, padding_mode="border", align_corners=True)
        return values.view_as(responses)

    def forward(self, image: Tensor, low: Tensor) -> Tensor:
        """Take the step.

        Args:
            image: (N, 1, scale·H, scale·W), luma less CENTRE.
            low: (N, 1, H, W), on the same footing.

        Returns:
            The image after it.
        """
        kernels = self.kernels()
        responses = functional.conv2d(functional.pad(image, (MARGIN,) * 4, "replicate"), kernels)
        turned = kernels.flip(2, 3).transpose(0, 1)
        diffusion = functional.conv2d(self.influence(responses), turned, padding=MARGIN)
        padded = functional.pad(image, (self.margin,) * 4, "replicate")
        misfit = functional.conv2d(padded, self.reduction, stride=self.scale) - low
        force = functional.conv_transpose2d(misfit, self.reduction, stride=self.scale, padding=self.margin)
        return image - diffusion - self.reaction * force


class Tnrd(Network):
    """Trainable nonlinear reaction diffusion: stages at high resolution, from the bicubic enlargement."""

    def __init__(self, scale: int, activation: str = ACTIVATION) -> None:
        """Make a network that starts close to bicubic; see ``Network``."""
        super().__init__("tnrd", scale, activation, known=(ACTIVATION,))
        self.bicubic = Bicubic(scale)
        self.stages = nn.ModuleList(Stage(scale) for _ in range(STAGES))

    def folded(self) -> list[tuple[Tensor, Tensor]]:
        """Return the filters of each stage, which have no bias; see ``Network``."""
        return [(stage.kernels(), torch.zeros(FILTERS)) for stage in self.each_stage()]

    @override
    def unfold(self, number: int, kernel: Tensor, bias: Tensor) -> None:
        """Refuse, because influences are not part of a convolution."""
        raise InputError("tnrd cannot start from a file's convolutions; give the checkpoint of a tnrd")

    def each_stage(self) -> list[Stage]:
        """Return the stages in the order in which they run."""
        return [stage for stage in self.stages if isinstance(stage, Stage)]

    def phases(self, luma: Tensor) -> Tensor:
        """Upscale luma and rearrange it; see ``Network``."""
        return functional.pixel_unshuffle(self(luma), self.scale)

    def forward(self, luma: Tensor) -> Tensor:
        """Upscale luma; see ``Network``."""
        with torch.autocast(luma.device.type, enabled=False):
            low = luma - CENTRE
            image: Tensor = self.bicubic(low)
            for stage in self.stages:
                image = stage(image, low)
        return image + CENTRE
