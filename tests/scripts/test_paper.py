"""What scripts/dev/paper_claims.py measures, and what it says of what is not there."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from tests.media import video
from vs_espcn.training.networks.layers import CENTRE, SPREAD, Espcn

Script = Callable[[str], ModuleType]


def test_srcnn_takes_two_and_a_half_times_scale_squared_the_operations(script: Script) -> None:
    networks = script("paper_networks")
    large, small = networks.SRCNN_955.path(3), networks.ESPCN.path(3)
    assert networks.operations(large, 3) == 81 * 64 + 25 * 64 * 32 + 25 * 32
    assert networks.operations(small, 3) == (25 * 64 + 9 * 64 * 32 + 9 * 32 * 9) / 9
    fewer = networks.operations(large, 3) / networks.operations(small, 3)
    assert fewer == pytest.approx(2.5 * 3**2, rel=0.02)
    assert networks.parameters(large) / networks.parameters(small) == pytest.approx(2.5, rel=0.02)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_forms_of_the_last_layer_give_equal_results(scale: int, script: Script) -> None:
    torch.manual_seed(scale)
    network = Espcn(scale)
    assert network.conv3.bias is not None
    torch.nn.init.zeros_(network.conv3.bias)  # one value per phase, which a deconvolution has none of
    low = torch.rand(2, 1, 6, 5)
    expected = network(low)  # centres and spreads luma beside it
    for form in script("paper_steps").FORMS.values():
        result = form(network, (low - CENTRE) * SPREAD) / SPREAD + CENTRE
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


@pytest.fixture
def one_network(script: Script, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The scores of bicubic and one small network."""
    scores = script("paper_scores")
    monkeypatch.setattr(scores, "CONTENDERS", (scores.ESPCN,))
    monkeypatch.setattr(scores, "SRCNN_955", scores.ESPCN)
    scores.read_images.cache_clear()
    scores.image_scores.cache_clear()
    return scores


def test_a_set_that_is_not_there_is_named_and_the_rest_goes_on(
    tmp_path: Path, one_network: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "eval" / "Set5"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (48, 60, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "one.png")
    assert float(one_network.image_cell(tmp_path, 3, "Set5", None)) > 5
    assert float(one_network.image_cell(tmp_path, 3, "Set5", one_network.ESPCN)) > 5
    assert one_network.image_cell(tmp_path, 3, "Set14", one_network.ESPCN) == "no data"
    said = capsys.readouterr().err
    assert f"Set14 is left out: there is no folder {tmp_path / 'eval' / 'Set14'}" in said
    assert f"BSDS is left out: there is no folder {tmp_path / 'train' / 'bsds200'}" in said


def test_a_clip_that_is_not_there_is_named_and_the_rest_goes_on(
    tmp_path: Path, one_network: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "video").mkdir()
    video(tmp_path / "video" / "natural_720p_dog.mp4", frames=2, size="96x72")
    rows = {row[0]: row[1:] for row in one_network.clip_rows(tmp_path, 3)}
    assert set(rows["natural_540p_flower.mp4"]) == {"no data"}
    assert all(float(cell) > 5 for cell in rows["natural_720p_dog.mp4"])
    assert "natural_540p_flower.mp4 is left out" in capsys.readouterr().err


def test_a_network_that_is_not_trained_is_named_with_its_command(tmp_path: Path, script: Script) -> None:
    tables, networks = script("paper_tables"), script("paper_networks")
    contender = networks.Contender(label="VGG", network="vgg")
    row = tables._row(tmp_path, contender, 3, "not quoted")
    assert row[2] == "not trained yet"
    assert len(row) == 1 + len(tables.HEAD)
    assert "vs-espcn train --network vgg --scale 3 --data $DATA/train/t91" in tables._missing(3, [contender])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, script: Script) -> None:
    with pytest.raises(SystemExit, match="is no folder; give the one that holds eval, train and video"):
        script("paper_claims").main(tmp_path / "none", [])
