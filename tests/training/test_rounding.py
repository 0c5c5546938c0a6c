import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from vs_espcn.models import is_int8
from vs_espcn.training.export import to_onnx
from vs_espcn.training.network import Espcn, Int8Espcn, make_network
from vs_espcn.training.quantization import LEVELS, round_activations, saturate
from vs_espcn.training.rounding import round_weights

LAYERS = ("conv1", "conv2", "conv3")


def smooth(count: int = 8, side: int = 24) -> torch.Tensor:
    """Luma whose neighbours are alike, in whole codes: (count, 1, side, side)."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, side // 4, side // 4, generator=random)
    luma = nn.functional.interpolate(coarse, size=side, mode="bicubic").clamp(0, 1)
    return (luma * 255).round() / 255


def network(scale: int = 2, activation: str = "tanh") -> Int8Espcn:
    torch.manual_seed(scale)
    made = make_network("espcn-int8", scale, activation)
    assert isinstance(made, Int8Espcn)
    return made


def nearest(made: Int8Espcn) -> Int8Espcn:
    """Each weight rounded by itself."""
    torch.manual_seed(0)
    plain = make_network("espcn-int8", made.scale, made.activation)
    plain.load_state_dict(made.state_dict())
    with torch.no_grad():
        for name in LAYERS:
            weight = getattr(plain, name).weight
            step = weight.abs().amax((1, 2, 3), keepdim=True) / LEVELS
            weight.copy_((weight / step).round() * step)
    return plain


def test_activations_are_rounded_to_codes_and_saturate() -> None:
    x = torch.tensor([-3.0, -1.004, -0.2, 0.0, 0.0039, 0.004, 1.0, 3.0])
    expected = torch.tensor([-128.0, -128.0, -25.0, 0.0, 0.0, 1.0, 127.0, 127.0]) / 127
    torch.testing.assert_close(round_activations(x), expected)


def test_gradients_pass_rounding_but_not_saturation() -> None:
    x = torch.tensor([-3.0, -0.21, 0.0042, 3.0], requires_grad=True)
    round_activations(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 1.0, 1.0, 0.0]))


@pytest.mark.parametrize("activation", ["tanh", "clip"])
def test_weights_become_codes_and_the_result_hardly_changes(activation: str) -> None:
    made, luma = network(3, activation), smooth()
    rounded = round_weights(made, luma)
    for name in LAYERS:
        codes = getattr(rounded, name).weight / rounded.steps(name)[:, None, None, None]
        torch.testing.assert_close(codes, codes.round(), atol=1e-3, rtol=0)
        assert codes.abs().max().round() <= LEVELS
    error, plain = ((each(luma) - made(luma)).square().mean() for each in (rounded, nearest(made)))
    assert error < plain


def test_rounding_leaves_the_network_alone() -> None:
    made = network()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    round_weights(made, smooth())
    assert all(torch.equal(before[name], tensor) for name, tensor in made.state_dict().items())


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("activation", ["tanh", "relu", "clip"])
def test_onnxruntime_computes_what_torch_computes(scale: int, activation: str) -> None:
    """But where a sum lies halfway between two codes; such a code is worth less than one of luma."""
    rounded = round_weights(network(scale, activation), smooth())
    model = to_onnx(rounded, {})
    assert is_int8(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for height, width in ((1, 1), (7, 12), (24, 24)):
        luma = smooth()[:1, :, :height, :width]
        (upscaled,) = session.run(["upscaled"], {"luma": luma.numpy()})
        np.testing.assert_allclose(upscaled, rounded(luma).detach().numpy(), atol=1 / 255)


def test_without_rounding_it_is_the_float_network(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network()
    plain = Espcn(2)
    plain.load_state_dict({name: each for name, each in made.state_dict().items() if "steps" not in name})
    monkeypatch.setattr("vs_espcn.training.network.round_activations", saturate)
    quarter = (115 / 255) - 0.45  # of a code: the zero of an int8 network is a whole one
    luma = smooth()
    inner = (..., slice(8, -8), slice(8, -8))  # borders: both pad with their zero
    torch.testing.assert_close(made(luma)[inner], plain(luma - quarter)[inner], atol=1e-5, rtol=0)
