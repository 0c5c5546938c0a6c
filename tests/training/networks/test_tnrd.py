"""A stage of TNRD against its definition, computed pixel by pixel in float64."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vs_espcn.training.data.degradation import shrink
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.tnrd import (
    CENTRES,
    FILTERS,
    SIDE,
    STAGES,
    WEIGHT_UNIT,
    Stage,
    Tnrd,
    reduction,
)

Array = NDArray[np.float64]


def slow_convolution(image: Array, kernel: Array) -> Array:
    """Correlate a padded image with a kernel; the result has every place where it fits."""
    side = len(kernel)
    height, width = (length - side + 1 for length in image.shape)
    return np.array(
        [[np.sum(image[y : y + side, x : x + side] * kernel) for x in range(width)] for y in range(height)]
    )


def influence(responses: Array, weights: Array) -> Array:
    """The sum of 63 Gaussians, one width apart from −310 to 310 codes."""
    width = 10 / 255
    centres = [(-310 + 10 * number) / 255 for number in range(63)]
    return np.asarray(
        sum(
            weight * np.exp(-((responses - centre) ** 2) / (2 * width**2))
            for weight, centre in zip(weights, centres, strict=True)
        )
    )


def trained(scale: int) -> Stage:
    """A stage whose filters and influences are far from where they start."""
    torch.manual_seed(scale)
    stage = Stage(scale)
    with torch.no_grad():
        stage.coefficients.add_(0.3 * torch.randn(FILTERS, FILTERS))
        stage.weights.add_(0.3 * torch.randn(FILTERS, CENTRES))
        stage.reaction.copy_(torch.tensor(1.7))
    return stage


@pytest.mark.parametrize("scale", [2, 3])
def test_a_stage_computes_its_definition(scale: int) -> None:
    stage = trained(scale)
    rng = np.random.default_rng(scale)
    image, low = rng.normal(0, 0.25, (6 * scale, 5 * scale)), rng.normal(0, 0.25, (6, 5))
    ours = stage(*(torch.from_numpy(array).float()[None, None] for array in (image, low)))
    kernels = stage.kernels().detach().double().numpy()[:, 0]
    padded = np.pad(image, SIDE // 2, "edge")
    diffusion = np.zeros_like(image)
    each_weights = WEIGHT_UNIT * stage.weights.detach().double().numpy()
    for kernel, weights in zip(kernels, each_weights, strict=True):
        flow = influence(slow_convolution(padded, kernel), weights)
        diffusion += slow_convolution(np.pad(flow, SIDE // 2), kernel[::-1, ::-1])
    force = reaction(image, low, scale)
    expected = image - diffusion - 1.7 * force
    np.testing.assert_allclose(ours.detach().numpy()[0, 0], expected, atol=2e-4)
    assert np.abs(diffusion).max() > 0.05  # the tolerance is far below what is tested
    assert np.abs(force).max() > 0.05


def reaction(image: Array, low: Array, scale: int) -> Array:
    """Aᵀ(A u − f), the reduction taken pixel by pixel and its transpose by spreading each sample."""
    kernel = reduction(scale)[0, 0].double().numpy()
    margin = (len(kernel) - scale) // 2
    padded = np.pad(image, margin, "edge")
    spread = np.zeros_like(padded)
    side = len(kernel)
    for row in range(low.shape[0]):
        for column in range(low.shape[1]):
            window = (slice(row * scale, row * scale + side), slice(column * scale, column * scale + side))
            spread[window] += kernel * (np.sum(padded[window] * kernel) - low[row, column])
    inner = slice(margin, -margin)
    return spread[inner, inner]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_reduction_is_the_antialiased_bicubic_one(scale: int) -> None:
    image = np.random.default_rng(0).random((12 * scale, 12 * scale)).astype(np.float32)
    margin = (reduction(scale).shape[-1] - scale) // 2
    padded = torch.nn.functional.pad(torch.from_numpy(image)[None, None], (margin,) * 4, "replicate")
    ours = torch.nn.functional.conv2d(padded, reduction(scale), stride=scale)[0, 0].numpy()
    inner = slice(2, -2)  # borders: there repeated, here mirrored
    np.testing.assert_allclose(ours[inner, inner], shrink(image, scale)[inner, inner], atol=1e-6)


def test_it_has_the_papers_size() -> None:
    network = make_network("tnrd", 3)
    assert isinstance(network, Tnrd)
    assert len(network.each_stage()) == STAGES == 5
    for kernels, _ in network.folded():
        assert kernels.shape == (48, 1, 7, 7)
        np.testing.assert_allclose(kernels.detach().sum((1, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(kernels.detach().square().sum((1, 2, 3)), 1, atol=1e-5)
    assert network.each_stage()[0].weights.shape == (48, 63)


def test_it_starts_near_bicubic() -> None:
    luma = torch.rand(1, 1, 9, 11)
    torch.manual_seed(0)
    network = Tnrd(2)
    difference = network(luma) - network.bicubic(luma)
    assert 0 < float(difference.detach().abs().max()) < 0.5


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    network = Tnrd(2)
    luma = torch.rand(1, 1, 8, 8)
    network.phases(luma).square().mean().backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name
