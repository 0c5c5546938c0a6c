import copy

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Network
from vs_espcn.training.optimizer import restore_optimizer
from vs_espcn.training.recipes import MODERN, PAPER, Recipe


def started(recipe: Recipe, network: Network) -> Optimizer:
    optimizer = recipe.optimizer(network)
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    return optimizer


def train(network: nn.Module, optimizer: Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        for weight in network.parameters():
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("recipe", [MODERN, PAPER], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("steps_before", [1, 3, 10, 14])
def test_a_restored_optimiser_goes_on_as_the_one_before(recipe: Recipe, steps_before: int) -> None:
    torch.manual_seed(0)
    unbroken = make_network("espcn", 2)
    optimizer = started(recipe, unbroken)
    train(unbroken, optimizer, 0, steps_before)
    resumed = copy.deepcopy(unbroken)
    restored = started(recipe, resumed)
    restore_optimizer(restored, copy.deepcopy(optimizer.state_dict()))
    train(unbroken, optimizer, steps_before, 25)
    train(resumed, restored, steps_before, 25)
    for ours, theirs in zip(resumed.parameters(), unbroken.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("recipe", [MODERN, PAPER], ids=lambda recipe: recipe.name)
def test_a_state_of_other_weights_is_refused(recipe: Recipe) -> None:
    theirs = make_network("espcn", 3)
    optimizer = started(recipe, theirs)
    train(theirs, optimizer, 0, 2)
    with pytest.raises(ValueError, match="a state of other weights"):
        restore_optimizer(started(recipe, make_network("espcn", 2)), optimizer.state_dict())
