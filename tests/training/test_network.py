import numpy as np
import pytest
import torch

from vs_espcn.training.network import Espcn
from vs_espcn.training.patches import to_phases


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_any_size_is_upscaled_by_the_scale(scale: int, activation: str) -> None:
    luma = torch.rand(2, 1, 5, 9)
    assert Espcn(scale, activation)(luma).shape == (2, 1, 5 * scale, 9 * scale)


def test_forward_is_the_shuffle_of_the_phases() -> None:
    network = Espcn(3)
    luma = torch.rand(2, 1, 6, 5)
    upscaled = network(luma).detach().numpy()[:, 0]
    assert np.array_equal(to_phases(upscaled, 3), network.phases(luma).detach().numpy())


def test_the_layers_are_those_of_the_paper() -> None:
    shapes = {name: tuple(weight.shape) for name, weight in Espcn(3).named_parameters()}
    assert shapes == {
        "conv1.weight": (64, 1, 5, 5),
        "conv1.bias": (64,),
        "conv2.weight": (32, 64, 3, 3),
        "conv2.bias": (32,),
        "conv3.weight": (9, 32, 3, 3),
        "conv3.bias": (9,),
    }


def test_the_activation_changes_the_result() -> None:
    torch.manual_seed(0)
    tanh, relu = Espcn(2, "tanh"), Espcn(2, "relu")
    relu.load_state_dict(tanh.state_dict())
    luma = torch.rand(1, 1, 8, 8)
    assert not torch.allclose(tanh(luma), relu(luma))
