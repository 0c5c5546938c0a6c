from contextlib import suppress
from pathlib import Path

import pytest
import torch

from vs_espcn.errors import InputError
from vs_espcn.training.checkpoint import describe, load_checkpoint, save_checkpoint
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Network


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


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_flipped_bit_is_damage(tmp_path: Path, place: int) -> None:
    path = tmp_path / "run.ckpt"
    checkpoint(path, 2)
    content = bytearray(path.read_bytes())
    content[len(content) * place // 60] ^= 0x10
    path.write_bytes(content)
    with suppress(InputError):  # and nothing else; a bit of padding between the members concerns nobody
        assert set(load_checkpoint(path)) == {"format", "of", "average"}


@pytest.mark.parametrize("of", [None, "espcn", {}, {"network": "espcn"}])
def test_a_checkpoint_of_no_network_is_refused(tmp_path: Path, of: object) -> None:
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"of": of, "average": {}})
    with pytest.raises(InputError, match="does not say of which network it is"):
        load_checkpoint(path)
