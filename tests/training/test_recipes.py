import numpy as np
import pytest

from vs_espcn.errors import InputError
from vs_espcn.training.data.dataset import make_pairs
from vs_espcn.training.data.degradation import bicubic
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Espcn
from vs_espcn.training.recipes import find_recipe


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(InputError, match="recipe 'quick' does not exist; choose modern or paper"):
        find_recipe("quick")


def test_the_papers_last_layer_learns_ten_times_slower() -> None:
    network = Espcn(2)
    features, last = find_recipe("paper").optimizer(network).param_groups
    assert features["speed"] == 10 * last["speed"]
    assert {id(weight) for weight in last["params"]} == {id(weight) for weight in network.conv3.parameters()}


def test_the_papers_recipe_is_for_its_own_networks() -> None:
    with pytest.raises(InputError, match="--recipe paper does not train subpixel-s; leave it out"):
        find_recipe("paper").optimizer(make_network("subpixel-s", 2))


def test_thin_networks_learn_half_as_fast() -> None:
    thin, espcn = (
        find_recipe("modern").optimizer(make_network(name, 2)).param_groups[0]["speed"]
        for name in ("subpixel-m", "espcn")
    )
    assert thin == espcn / 2


def test_the_papers_patches_are_17_wide_and_13_apart() -> None:
    pairs = make_pairs(np.zeros((2 * 43, 2 * 30), np.uint8), 2, [bicubic])
    patches, schedule = find_recipe("paper").course(pairs, 0)
    low, phases = patches.draw()
    assert low.shape == (6, 1, 17, 17)  # 3 rows and 2 columns
    assert phases.shape == (6, 4, 17, 17)
    assert schedule.rate(0, 0.0) == 1e-2
