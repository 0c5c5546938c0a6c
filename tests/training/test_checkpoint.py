from pathlib import Path

import pytest
import torch

from vs_espcn.errors import InputError
from vs_espcn.training.checkpoint import describe, load_checkpoint, save_checkpoint, start_from
from vs_espcn.training.network import Espcn, Network, make_network


def checkpoint(path: Path, scale: int, activation: str | None = None, name: str = "espcn") -> Network:
    torch.manual_seed(scale)
    network = make_network(name, scale, activation)
    save_checkpoint(path, {"of": describe(network), "average": network.state_dict()})
    return network


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint at .*none\.ckpt"):
        load_checkpoint(tmp_path / "none.ckpt")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 half an archive"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.ckpt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no checkpoint or is damaged"):
        load_checkpoint(path)


def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    checkpoint(path, 2)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="is no checkpoint or is damaged"):
        load_checkpoint(path)


def test_a_foreign_file_of_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(InputError, match="of this version"):
        load_checkpoint(path)


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
    with pytest.raises(InputError, match=r"holds espcn x3 with relu, the run asks for espcn x2 with tanh"):
        start_from(tmp_path / "relu.ckpt", Espcn(2))


def test_another_network_is_no_start(tmp_path: Path) -> None:
    checkpoint(tmp_path / "srcnn.ckpt", 3, name="srcnn-915")
    with pytest.raises(
        InputError, match=r"holds srcnn-915 x3 with relu, the run asks for espcn x2 with tanh"
    ):
        start_from(tmp_path / "srcnn.ckpt", Espcn(2))


def test_a_baseline_starts_from_every_layer_at_any_scale(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "srcnn.ckpt", 3, name="srcnn-915")
    network = make_network("srcnn-915", 2)
    start_from(tmp_path / "srcnn.ckpt", network)
    assert torch.equal(network.conv3.weight, held.conv3.weight)


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
