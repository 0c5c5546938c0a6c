import numpy as np
import pytest
import torch
from torch.nn import functional

from vs_espcn.errors import InputError
from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.training.data.dataset import to_phases
from vs_espcn.training.data.degradation import enlarge
from vs_espcn.training.export import to_onnx
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import ACTIVATIONS, CENTRE, SPREAD, Espcn, Srcnn
from vs_espcn.training.networks.subpixel import Subpixel


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_any_size_is_upscaled_by_the_scale(scale: int, activation: str) -> None:
    luma = torch.rand(2, 1, 5, 9)
    assert Espcn(scale, activation)(luma).shape == (2, 1, 5 * scale, 9 * scale)


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


def mirrored_kernels(network: Espcn) -> torch.Tensor:
    """The last layer's kernels as one kernel of a deconvolution, (32, 1, 3·scale, 3·scale).

    Output pixel ``scale·i + a`` is made by the kernel of phase ``a`` from inputs
    ``i - 1 … i + 1``; in the deconvolution, input ``i`` reaches pixels from
    ``scale·(i - 1)`` to ``scale·(i + 2) - 1``. So each kernel is turned round
    and its taps lie ``scale`` apart, at the place of its phase.
    """
    scale = network.scale
    kernel = torch.empty(32, 1, 3 * scale, 3 * scale)
    for phase, weights in enumerate(network.conv3.weight.detach()):
        row, column = divmod(phase, scale)
        kernel[:, 0, row::scale, column::scale] = weights.flip(1, 2)
    return kernel


def on_the_sub_pixel_grid(features: torch.Tensor, network: Espcn) -> torch.Tensor:
    """Section 2.2 of the paper to the letter: a convolution of stride 1/scale at high resolution.

    The features are spread over the fine grid with zeros between them; one
    kernel of 3·scale a side runs over every fine pixel, and only every
    ``scale``-th of its taps meets a feature that is not a zero.
    """
    scale = network.scale
    count, channels, height, width = features.shape
    fine = torch.zeros(count, channels, scale * height, scale * width)
    fine[:, :, ::scale, ::scale] = features
    kernel = mirrored_kernels(network).flip(2, 3).transpose(0, 1)  # (1, 32, 3·scale, 3·scale)
    before, after = 2 * scale - 1, scale
    result = functional.conv2d(functional.pad(fine, (before, after, before, after)), kernel)
    return result[:, :, : scale * height, : scale * width]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_sub_pixel_convolution_is_a_convolution_of_stride_1_over_scale(scale: int) -> None:
    torch.manual_seed(scale)
    network = Espcn(scale)
    torch.nn.init.zeros_(network.conv3.bias)  # one value per phase, which a deconvolution has none of
    features = torch.randn(2, 32, 5, 7)
    sub_pixel = functional.pixel_shuffle(network.conv3(features), scale)
    deconvolved = functional.conv_transpose2d(
        features, mirrored_kernels(network), stride=scale, padding=scale
    )
    torch.testing.assert_close(sub_pixel, deconvolved, atol=1e-5, rtol=0)
    torch.testing.assert_close(sub_pixel, on_the_sub_pixel_grid(features, network), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "second"), [("srcnn-915", 1), ("srcnn-955", 5)])
def test_the_baselines_are_those_of_srcnn(name: str, second: int) -> None:
    network = make_network(name, 3)
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.ndim > 1]
    assert shapes == [(64, 1, 9, 9), (32, 64, second, second), (1, 32, 5, 5)]
    assert network.activation == "relu"
    assert network.name == name


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_baseline_starts_from_bicubic(scale: int) -> None:
    luma = torch.rand(1, 1, 9, 11)
    bicubic = Srcnn(scale, second=1).bicubic(luma)[0, 0].numpy()
    inner = (slice(scale, -scale), slice(scale, -scale))  # borders: there repeated, here mirrored
    np.testing.assert_allclose(bicubic[inner], enlarge(luma[0, 0].numpy(), scale)[inner], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["espcn", "srcnn-915", "srcnn-955", "tnrd", "subpixel-s"])
def test_phases_are_what_training_compares(name: str) -> None:
    network = make_network(name, 2)
    luma = torch.rand(1, 1, 6, 5)
    upscaled = network(luma).detach().numpy()[0, 0]
    assert np.array_equal(to_phases(upscaled, 2), network.phases(luma).detach().numpy()[0])


@pytest.mark.parametrize(("name", "share"), [("subpixel-s", 0.5), ("subpixel-m", 1.0), ("subpixel-l", 2.0)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_subpixel_networks_keep_within_a_share_of_espcns_operations(
    name: str, share: float, scale: int
) -> None:
    network, espcn = to_onnx(make_network(name, scale), {}), to_onnx(Espcn(scale), {})
    assert macs_per_sample(network) <= share * macs_per_sample(espcn)


@pytest.mark.parametrize("name", ["subpixel-s", "subpixel-m", "subpixel-l"])
def test_a_subpixel_network_folded_is_the_sum_of_its_branches(name: str) -> None:
    torch.manual_seed(1)
    network = make_network(name, 3, branches=True)
    assert isinstance(network, Subpixel)
    luma = torch.rand(2, 1, 13, 8)
    x = (luma - CENTRE) * SPREAD
    act = ACTIVATIONS[network.activation]
    for layer in network.layers:
        kept = x if layer.identity.any() else 0
        summed = layer.plain(x) + layer.branches(x) + kept
        x = act(summed) if layer is not network.tail else summed
    torch.testing.assert_close(network.phases(luma), x / SPREAD + luma, atol=1e-6, rtol=0)


def test_a_subpixel_network_without_detail_repeats_the_luma() -> None:
    network = make_network("subpixel-s", 2)
    torch.nn.init.zeros_(network.tail.plain.weight)
    torch.nn.init.zeros_(network.tail.plain.bias)
    luma = torch.rand(1, 1, 4, 6)
    assert torch.equal(network(luma), luma.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_branches_are_refused_where_there_are_none() -> None:
    with pytest.raises(InputError, match="network 'espcn' has no branches; leave out --branches"):
        make_network("espcn", 2, branches=True)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(
        InputError, match="network 'vgg' cannot be trained; choose espcn, srcnn-915, srcnn-955"
    ):
        make_network("vgg", 2)
