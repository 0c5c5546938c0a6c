import pytest
import torch
from torch.nn import functional

from vs_espcn.training.networks.branches import Branches, FoldedConv


def randomised[M: torch.nn.Module](module: M, seed: int) -> M:
    """All weights far from what they start as, biases and amplitudes too."""
    torch.manual_seed(seed)
    for weight in module.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return module


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 16), (16, 16), (16, 9)])
def test_the_branches_are_one_kernel_and_one_bias_up_to_the_border(inputs: int, outputs: int) -> None:
    branches = randomised(Branches(inputs, outputs), seed=outputs).double()
    x = torch.randn(2, inputs, 7, 5, dtype=torch.float64)
    kernel, bias = branches.fold()
    torch.testing.assert_close(functional.conv2d(x, kernel, bias, padding=1), branches(x), atol=1e-13, rtol=0)


@pytest.mark.parametrize(("inputs", "outputs", "identity"), [(1, 16, False), (16, 16, True), (16, 4, False)])
def test_a_folded_convolution_is_its_kernel_its_branches_and_the_identity(
    inputs: int, outputs: int, identity: bool
) -> None:
    layer = randomised(FoldedConv(inputs, outputs, branches=True, identity=identity), seed=inputs)
    assert layer.branches is not None
    x = torch.randn(1, inputs, 6, 9)
    summed = layer.plain(x) + layer.branches(x) + (x if identity else 0)
    torch.testing.assert_close(layer(x), summed, atol=1e-5, rtol=0)


def test_the_edge_branches_see_edges_alone() -> None:
    branches = randomised(Branches(1, 2), seed=0)
    torch.nn.init.zeros_(branches.gather.weight)
    kernel, _ = branches.fold()
    torch.testing.assert_close(kernel.sum((2, 3)), torch.zeros(2, 1), atol=1e-7, rtol=0)
    slopes = torch.tensor([[-1.0, 0, 1] * 3, [-1.0] * 3 + [0.0] * 3 + [1.0] * 3])  # across, down
    assert ((kernel.flatten(1) @ slopes.T).abs() > 1e-4).all()


def test_every_weight_of_every_branch_learns() -> None:
    layer = FoldedConv(4, 4, branches=True, identity=True)
    layer(torch.randn(1, 4, 6, 6)).square().sum().backward()
    for name, weight in layer.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
