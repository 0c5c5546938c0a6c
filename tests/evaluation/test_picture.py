from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.pictures import picture
from vs_espcn.errors import InputError
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.picture import draw_methods


def draw(path: Path, crops: list[str], scales: list[int]) -> np.ndarray:
    methods, _ = choose(["nearest", "bicubic"], [], None, scales, None)
    return np.array(draw_methods(path, crops, methods, scales))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    Image.fromarray(picture()[..., 0]).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_original_and_methods_stand_side_by_side(source: Path) -> None:
    drawn = draw(source, ["20x16+10+8"], [2])
    height, width = drawn.shape
    assert 3 * 200 <= width <= 3 * 200 + 4 * 10, "three parts, each enlarged ten times"
    assert 160 < height < 220
    part = np.kron(picture()[8:24, 10:30, 0], np.ones((10, 10), np.uint8))
    assert np.array_equal(drawn[-166:-6, 6:206], part), "the original is shown as it is"


def test_every_scale_and_crop_has_a_row(source: Path) -> None:
    one = draw(source, ["20x16+0+0"], [2])
    four = draw(source, ["20x16+0+0", "20x16+10+8"], [2, 3])
    assert four.shape[1] == one.shape[1]
    assert four.shape[0] - 6 == 4 * (one.shape[0] - 6)


def test_without_crops_the_whole_image_is_shown(source: Path) -> None:
    assert draw(source, [], [3]).shape[1] >= 3 * 60 * 3


def test_a_crop_must_lie_within_the_cropped_image(source: Path) -> None:
    draw(source, ["20x48+40+0"], [3])
    with pytest.raises(InputError, match=r"crop '22x48\+40\+0' reaches beyond the picture, which is 60x48"):
        draw(source, ["22x48+40+0"], [3])
    with pytest.raises(InputError, match="crop '40,2,20,46' is not understood"):
        draw(source, ["40,2,20,46"], [3])


def test_an_image_smaller_than_the_scale_is_refused(tmp_path: Path) -> None:
    Image.fromarray(picture()[:2, :, 0]).save(tmp_path / "low.png")
    with pytest.raises(InputError, match=r"low\.png is 62x2; x3 needs a larger image"):
        draw(tmp_path / "low.png", [], [3])
