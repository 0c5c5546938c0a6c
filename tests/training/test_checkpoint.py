import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from vs_espcn.errors import InputError
from vs_espcn.training.checkpoint import describe, load_checkpoint, save_checkpoint
from vs_espcn.training.evaluate import open_checkpoint
from vs_espcn.training.initial_weights import start_from
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
    with pytest.raises(InputError, match="is not a checkpoint or is damaged"):
        load_checkpoint(path)


def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    checkpoint(path, 2)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="is not a checkpoint or is damaged"):
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
    with pytest.raises(InputError, match="does not name its network"):
        load_checkpoint(path)


@pytest.mark.parametrize("scale", ["2", 2.0, True, 1, 10**6])
def test_a_scale_that_no_network_has_is_refused(tmp_path: Path, scale: object) -> None:
    path = tmp_path / "run.ckpt"
    of = {"network": "espcn", "scale": scale, "activation": "tanh"}
    save_checkpoint(path, {"of": of, "average": {"weight": torch.ones(1)}})
    with pytest.raises(InputError, match="does not name its network"):
        load_checkpoint(path)


WEIGHTS = {
    "none": None,
    "empty": {},
    "a list": [torch.ones(1)],
    "no tensors": {"conv1.weight": 1.0},
    "no names": {1: torch.ones(1)},
    "not finite": {"conv1.weight": torch.tensor([torch.nan])},
    "sparse": {"conv1.weight": torch.ones(2).to_sparse()},
    "without memory": {"conv1.weight": torch.ones(2, device="meta")},
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_checkpoint_without_weights_is_refused(tmp_path: Path, weights: object) -> None:
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"of": describe(make_network("espcn", 2)), "average": weights})
    with pytest.raises(InputError, match=r"has no finite weights of a network|is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("weights", [{"conv9.weight": torch.ones(1)}, {"conv1.weight": torch.ones(7)}])
def test_weights_that_fit_nothing_are_refused(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"of": describe(make_network("espcn", 2)), "average": weights})
    with pytest.raises(InputError, match="are not those of espcn x2 with tanh; choose another checkpoint"):
        open_checkpoint(path)
    with pytest.raises(InputError, match=r"no layer in .* fits espcn x3 with tanh"):
        start_from(path, make_network("espcn", 3))


@pytest.mark.parametrize("number", range(5))
def test_a_flipped_bit_outside_the_checksums_is_damage(tmp_path: Path, number: int) -> None:
    """Names, sizes and offsets of the archive: PyTorch raises anything for these."""
    path = tmp_path / "run.ckpt"
    checkpoint(path, 2)
    content = path.read_bytes()
    random = np.random.default_rng(number)
    structure = structure_of(path)
    for _ in range(100):
        flipped = bytearray(content)
        flipped[random.choice(structure)] ^= 1 << random.integers(8)
        path.write_bytes(flipped)
        with suppress(InputError):
            assert set(load_checkpoint(path)) == {"format", "of", "average"}


def structure_of(path: Path) -> list[int]:
    """Where an archive has its own bytes, and the pickle."""
    inside: set[int] = set()
    with zipfile.ZipFile(path) as archive:
        for each in archive.infolist():
            if each.compress_size > 2000:
                inside.update(range(each.header_offset + 200, each.header_offset + each.compress_size))
    return [place for place in range(path.stat().st_size) if place not in inside]


def test_a_compressed_archive_is_not_expanded(tmp_path: Path) -> None:
    """A few KB could become GBs."""
    path, bomb = tmp_path / "run.ckpt", tmp_path / "bomb.ckpt"
    checkpoint(path, 2)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        target.writestr("run/data/99", bytes(50 << 20))
    tracemalloc.start()
    with pytest.raises(InputError, match="is not a checkpoint or is damaged"):
        load_checkpoint(bomb)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_a_file_too_large_for_a_checkpoint_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    checkpoint(path, 2)
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    with pytest.raises(InputError, match="is not a checkpoint or is damaged"):
        load_checkpoint(path)
