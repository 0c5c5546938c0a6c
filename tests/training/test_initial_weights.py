"""Where a run starts: checkpoints and ONNX files."""

from pathlib import Path

import onnx
import pytest
import torch

from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.training.checkpoint import describe, save_checkpoint
from vs_espcn.training.export import save_onnx
from vs_espcn.training.initial_weights import start_from
from vs_espcn.training.int8.calibration import calibrate
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import Espcn, Network


def checkpoint(path: Path, scale: int, activation: str | None = None, name: str = "espcn") -> Network:
    torch.manual_seed(scale)
    network = make_network(name, scale, activation)
    save_checkpoint(path, {"of": describe(network), "average": network.state_dict()})
    return network


def test_another_scale_starts_from_the_layers_that_agree(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "x3.ckpt", 3)
    torch.manual_seed(0)
    network = Espcn(2)
    last = network.conv3.weight.clone()
    start_from(tmp_path / "x3.ckpt", network)
    assert torch.equal(network.conv1.weight, held.conv1.weight)
    assert torch.equal(network.conv2.weight, held.conv2.weight)
    assert torch.equal(network.conv3.weight, last)


def test_the_same_scale_starts_from_every_layer(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "x3.ckpt", 3)
    network = Espcn(3)
    start_from(tmp_path / "x3.ckpt", network)
    assert torch.equal(network.conv3.weight, held.conv3.weight)


def test_another_activation_is_no_start(tmp_path: Path) -> None:
    checkpoint(tmp_path / "relu.ckpt", 3, "relu")
    with pytest.raises(
        InputError, match=r"holds espcn x3 with relu, but the run asks for espcn x2 with tanh"
    ):
        start_from(tmp_path / "relu.ckpt", Espcn(2))


def test_another_network_is_no_start(tmp_path: Path) -> None:
    checkpoint(tmp_path / "srcnn.ckpt", 3, name="srcnn-915")
    with pytest.raises(
        InputError, match=r"holds srcnn-915 x3 with relu, but the run asks for espcn x2 with tanh"
    ):
        start_from(tmp_path / "srcnn.ckpt", Espcn(2))


def test_a_baseline_starts_from_every_layer_at_any_scale(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "srcnn.ckpt", 3, name="srcnn-915")
    network = make_network("srcnn-915", 2)
    start_from(tmp_path / "srcnn.ckpt", network)
    assert torch.equal(network.conv3.weight, held.conv3.weight)


def test_an_onnx_file_is_a_start_like_its_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(1)
    held = Espcn(3)
    save_onnx(held, tmp_path / "x3.onnx", {"activation": "tanh"})
    network = Espcn(3)
    start_from(tmp_path / "x3.onnx", network)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, held.state_dict()[name], rtol=2**-8, atol=1e-6)


def test_int8_starts_from_a_float_network() -> None:
    """And computes what that does, but for the rounding of activations."""
    network = make_network("espcn-int8", 2)
    start_from(registry.find("espcn", 2).path, network)
    assert isinstance(network, Int8Network)
    luma = torch.rand(1, 1, 24, 24)
    calibrate(network, luma)
    plain = make_network("espcn", 2)
    start_from(registry.find("espcn", 2).path, plain)
    inner = (..., slice(16, -16), slice(16, -16))  # borders: each pads with its own zero
    assert ((network(luma) - plain(luma))[inner] * 255).abs().max() < 3


def test_an_int8_file_is_no_start() -> None:
    with pytest.raises(InputError, match=r"espcn-int8_x2\.onnx is not a float network of vs-espcn train"):
        start_from(registry.find("espcn-int8", 2).path, make_network("espcn-int8", 2))


def test_a_file_that_another_tool_wrote_anew_is_no_start(tmp_path: Path) -> None:
    model = onnx.load(registry.find("subpixel-m", 2).path)
    for node in model.graph.node:
        node.ClearField("name")
    onnx.save(model, tmp_path / "simplified.onnx")
    with pytest.raises(InputError, match=r"simplified\.onnx is not a float network of vs-espcn train"):
        start_from(tmp_path / "simplified.onnx", make_network("subpixel-m", 2))


def test_a_float_network_does_not_start_from_int8(tmp_path: Path) -> None:
    checkpoint(tmp_path / "int8.ckpt", 2, name="espcn-int8")
    with pytest.raises(InputError, match="holds espcn-int8 x2 with"):
        start_from(tmp_path / "int8.ckpt", Espcn(2))


def test_a_subpixel_network_starts_from_all_layers_but_the_last(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "x2.ckpt", 2, name="subpixel-s")
    network = make_network("subpixel-s", 4)
    tail = network.tail.plain.weight.clone()
    start_from(tmp_path / "x2.ckpt", network)
    own = network.state_dict()
    taken = {name for name, weight in held.state_dict().items() if torch.equal(own[name], weight)}
    assert taken == {name for name in own if not name.startswith("tail")}
    assert torch.equal(network.tail.plain.weight, tail)


def test_branches_are_another_network(tmp_path: Path) -> None:
    checkpoint(tmp_path / "x2.ckpt", 2, name="subpixel-s")
    with pytest.raises(InputError, match="asks for subpixel-s x2 with leaky and branches"):
        start_from(tmp_path / "x2.ckpt", make_network("subpixel-s", 2, branches=True))


@pytest.mark.parametrize("branches", [False, True])
@pytest.mark.parametrize("degradation", ["clean", "video"])
def test_a_subpixel_network_goes_on_from_its_onnx_file(
    tmp_path: Path, degradation: str, *, branches: bool
) -> None:
    """The file holds sums of branches; a run may take them apart in its own way."""
    torch.manual_seed(1)
    held = make_network("subpixel-s", 2, branches=True)
    name = "subpixel-s" if degradation == "clean" else "subpixel-s-video"
    facts = {"network": name, "activation": "leaky", "degradation": degradation}
    save_onnx(held, tmp_path / "x2.onnx", facts)
    network = make_network("subpixel-s", 2, branches=branches)
    start_from(tmp_path / "x2.onnx", network)
    luma = torch.rand(1, 1, 20, 20)
    torch.testing.assert_close(network(luma), held(luma), rtol=0, atol=2e-3)  # kernels went through bfloat16


def test_a_subpixel_network_of_another_scale_keeps_its_own_last_layer_from_onnx(tmp_path: Path) -> None:
    held = make_network("subpixel-s", 3)
    save_onnx(held, tmp_path / "x3.onnx", {"activation": "leaky"})
    network = make_network("subpixel-s", 2)
    tail = network.tail.plain.weight.clone()
    start_from(tmp_path / "x3.onnx", network)
    assert torch.equal(network.tail.plain.weight, tail)
    torch.testing.assert_close(network.head.plain.weight, held.head.plain.weight, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("form", ["onnx", "ckpt"])
def test_a_deeper_network_starts_from_a_shallower_one_of_its_width(tmp_path: Path, form: str) -> None:
    """The layers between keep their weights, which hardly change what passes."""
    held = checkpoint(tmp_path / "m.ckpt", 2, name="subpixel-m")
    save_onnx(held, tmp_path / "m.onnx", {"network": "subpixel-m", "activation": "leaky"})
    network = make_network("subpixel-l", 2)
    between = [layer.plain.weight.clone() for layer in network.layers[9:-1]]
    start_from(tmp_path / f"m.{form}", network)
    for ours, theirs in zip((*network.layers[:9], network.tail), held.layers, strict=True):
        torch.testing.assert_close(ours.plain.weight, theirs.plain.weight, rtol=2**-8, atol=2**-8)
    assert all(
        torch.equal(layer.plain.weight, kept)
        for layer, kept in zip(network.layers[9:-1], between, strict=True)
    )


@pytest.mark.parametrize("form", ["onnx", "ckpt"])
def test_a_shallower_network_starts_from_a_deeper_one(tmp_path: Path, form: str) -> None:
    """At x4 the deeper one's next layer looks like the shallower one's last."""
    held = checkpoint(tmp_path / "m.ckpt", 4, name="subpixel-m")
    save_onnx(held, tmp_path / "m.onnx", {"network": "subpixel-m", "activation": "leaky"})
    network = make_network("subpixel-s", 4)
    start_from(tmp_path / f"m.{form}", network)
    for ours, theirs in zip(network.layers, (*held.layers[:5], held.tail), strict=True):
        torch.testing.assert_close(ours.plain.weight, theirs.plain.weight, rtol=2**-8, atol=2**-8)
