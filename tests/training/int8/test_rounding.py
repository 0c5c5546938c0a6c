from copy import deepcopy
from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vs_espcn.networks.registry import is_int8
from vs_espcn.training.export import to_onnx
from vs_espcn.training.int8.calibration import calibrate, ramps
from vs_espcn.training.int8.rounding import round_weights
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.int8 import CodedConv, Int8Network
from vs_espcn.training.networks.quantization import LEVELS, codes_for, round_to_codes

SYMMETRIC = (torch.tensor(1 / 127), torch.tensor(0.0))
NAMES = ("espcn-int8", "subpixel-s-int8")


def smooth(count: int = 8, side: int = 24) -> torch.Tensor:
    """Luma whose neighbours are alike, in whole codes: (count, 1, side, side)."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, side // 4, side // 4, generator=random)
    luma = nn.functional.interpolate(coarse, size=side, mode="bicubic").clamp(0, 1)
    return (luma * 255).round() / 255


def network(scale: int = 2, activation: str | None = None, name: str = "espcn-int8") -> Int8Network:
    torch.manual_seed(scale)
    made = make_network(name, scale, activation)
    assert isinstance(made, Int8Network)
    calibrate(made, smooth())
    return made


def nearest(made: Int8Network) -> Int8Network:
    """Each weight rounded by itself."""
    plain = deepcopy(made)
    with torch.no_grad():
        for layer in plain.layers:
            weight = layer.weight
            step = weight.abs().amax((1, 2, 3), keepdim=True) / LEVELS
            weight.copy_((weight / step).round() * step)
    return plain


def test_activations_are_rounded_to_codes_and_saturate() -> None:
    x = torch.tensor([-3.0, -1.004, -0.2, 0.0, 0.0039, 0.004, 1.0, 3.0])
    expected = torch.tensor([-128.0, -128.0, -25.0, 0.0, 0.0, 1.0, 127.0, 127.0]) / 127
    torch.testing.assert_close(round_to_codes(x, *SYMMETRIC), expected)


def test_gradients_pass_rounding_but_not_saturation() -> None:
    x = torch.tensor([-3.0, -0.21, 0.0042, 3.0], requires_grad=True)
    round_to_codes(x, *SYMMETRIC).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 1.0, 1.0, 0.0]))


@given(st.floats(-50, 0), st.floats(0.01, 50))
def test_all_codes_serve_a_range(lowest: float, highest: float) -> None:
    step, zero = codes_for(torch.tensor(lowest), torch.tensor(highest))
    ends = torch.tensor([lowest, 0, highest])
    rounded = round_to_codes(ends, step, zero)
    torch.testing.assert_close(rounded, ends, atol=0.501 * float(step), rtol=1e-5)
    assert rounded[1] == 0
    assert (rounded[2] - rounded[0]) / step == pytest.approx(255, abs=1)


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky"])
def test_weights_become_codes_and_the_result_hardly_changes(activation: str) -> None:
    made, luma = network(3, activation), smooth()
    rounded = round_weights(made, luma)
    for layer in rounded.layers:
        codes = layer.weight / layer.weight_steps[:, None, None, None]
        torch.testing.assert_close(codes, codes.round(), atol=1e-4, rtol=0)
        assert codes.abs().max().round() <= LEVELS
    error, plain = ((each(luma) - made(luma)).square().mean() for each in (rounded, nearest(made)))
    assert error < plain


def test_rounding_leaves_the_network_alone() -> None:
    made = network()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    round_weights(made, smooth())
    assert all(torch.equal(before[name], tensor) for name, tensor in made.state_dict().items())


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("name", "activation"),
    [*(("espcn-int8", each) for each in ("tanh", "relu")), ("subpixel-s-int8", "leaky")],
)
def test_onnxruntime_computes_what_torch_computes(scale: int, name: str, activation: str) -> None:
    """But where a sum lies halfway between two codes; such a code is worth less than one of luma."""
    rounded = round_weights(network(scale, activation, name), smooth())
    model = to_onnx(rounded, {})
    assert is_int8(model)
    options = onnxruntime.SessionOptions()
    # As the file says it: kernels of 8-bit products saturate on processors without VNNI.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    for height, width in ((1, 1), (7, 12), (24, 24)):
        luma = smooth()[:1, :, :height, :width]
        (upscaled,) = session.run(["upscaled"], {"luma": luma.numpy()})
        np.testing.assert_allclose(upscaled, rounded(luma).detach().numpy(), rtol=0, atol=1 / 255)


@pytest.mark.parametrize("name", NAMES)
def test_without_rounding_it_is_the_float_network(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Calibration included, which scales channels."""
    torch.manual_seed(0)
    plain = make_network(name.removesuffix("-int8"), 2)
    made = Int8Network(plain)
    luma = smooth()
    calibrate(made, luma)
    monkeypatch.setattr(CodedConv, "round_input", CodedConv.scale_input)
    inner = (..., slice(16, -16), slice(16, -16))  # borders: each pads with its own zero
    torch.testing.assert_close(made(luma)[inner], plain(luma)[inner], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_calibrated_channels_reach_an_end_of_their_common_range(name: str) -> None:
    made = network(name=name)
    x = made.spread_out(smooth())
    for layer, following in pairwise(made.layers):
        x = following.scale_input(made.activate(layer(x))).detach()
        highest, lowest = x.amax((0, 2, 3)), x.amin((0, 2, 3))
        reach = torch.isclose(highest, x.max(), atol=1e-4) | torch.isclose(lowest, x.min(), atol=1e-4)
        assert reach.all()
        step, zero = following.input_step, following.input_zero
        torch.testing.assert_close(step * (127 - zero), x.max(), atol=float(step), rtol=0)
        torch.testing.assert_close(step * (-128 - zero), x.min(), atol=float(step), rtol=0)


def test_codes_are_not_wasted_on_a_channel_below_zero() -> None:
    """A leaky channel that lies below zero is spread less than the others, which then have finer codes."""
    torch.manual_seed(0)
    floats = make_network("subpixel-s", 2)
    with torch.no_grad():
        kernel, bias = floats.folded()[0]
        floats.unfold(0, kernel, torch.where(torch.arange(len(bias)) < 1, -9.0, bias))
    made = Int8Network(floats)
    calibrate(made, smooth())
    symmetric = 2 / 255
    assert made.layers[1].input_step < 0.8 * symmetric


def test_ramps_are_smooth_and_of_every_level() -> None:
    codes = ramps(64, 32).double() * 255
    assert codes.shape == (64, 1, 32, 32)
    levels = codes.mean((1, 2, 3))
    torch.testing.assert_close(levels, 16 + 219 * (torch.arange(64, dtype=torch.double) + 0.5) / 64)
    for way in (2, 3):
        assert codes.diff(dim=way).abs().max() <= 1.001
        assert codes.diff(n=2, dim=way).abs().max() < 1e-3  # a plane


def test_rounding_by_ramps_too_keeps_smooth_areas_closer() -> None:
    made, luma = network(3), smooth()
    held_out = ramps(32, 24)[:, :, 4:-4, 4:-4].flip(3)
    errors = [
        (round_weights(made, patches)(held_out) - made(held_out)).square().mean()
        for patches in (torch.cat([luma, ramps(64, 24)]), luma)
    ]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("dead", [1, 64], ids=["a channel", "a layer"])
@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_what_never_fires_on_the_patches_is_no_hindrance(activation: str, dead: int) -> None:
    """Always zero after relu, always negative after leaky; the exported codes give what floats gave."""
    torch.manual_seed(0)
    floats = make_network("espcn", 2, activation)
    with torch.no_grad():
        kernel, bias = floats.folded()[0]
        below = torch.where(torch.arange(len(bias)) < dead, -9.0, bias)
        floats.unfold(0, kernel, below)
        made = Int8Network(floats)
        calibrate(made, smooth())
        rounded = round_weights(made, smooth())
        expected = floats(smooth(2))
    session = onnxruntime.InferenceSession(to_onnx(rounded, {}).SerializeToString())
    for luma, exact in zip(smooth(2), expected, strict=True):
        (upscaled,) = session.run(None, {"luma": luma[None].numpy()})
        assert np.abs(upscaled - exact.numpy()).max() < 0.03
