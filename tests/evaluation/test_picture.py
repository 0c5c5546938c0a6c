import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.pictures import picture
from vs_espcn.errors import InputError
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.picture import Crop, draw_side_by_side


def draw(path: Path, crops: list[Crop], scales: list[int]) -> np.ndarray:
    methods, _ = choose(["nearest", "bicubic"], [], None, scales, None)
    with Image.open(io.BytesIO(draw_side_by_side(path, crops, methods, scales))) as image:
        assert image.format == "PNG"
        return np.array(image)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    Image.fromarray(picture()[..., 0]).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_original_and_methods_stand_side_by_side(source: Path) -> None:
    drawn = draw(source, [Crop(10, 8, 20, 16)], [2])
    height, width = drawn.shape
    assert 3 * 200 <= width <= 3 * 200 + 4 * 10, "three parts, each enlarged ten times"
    assert 160 < height < 220
    part = np.kron(picture()[8:24, 10:30, 0], np.ones((10, 10), np.uint8))
    assert np.array_equal(drawn[-166:-6, 6:206], part), "the original is shown as it is"


def test_every_scale_and_crop_has_a_row(source: Path) -> None:
    one = draw(source, [Crop(0, 0, 20, 16)], [2])
    four = draw(source, [Crop(0, 0, 20, 16), Crop(10, 8, 20, 16)], [2, 3])
    assert four.shape[1] == one.shape[1]
    assert four.shape[0] - 6 == 4 * (one.shape[0] - 6)


def test_without_crops_the_whole_image_is_shown(source: Path) -> None:
    assert draw(source, [], [3]).shape[1] >= 3 * 60 * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3," + "9" * 5000, "is not X,Y,WIDTH,HEIGHT in whole pixels"),
        ("1,2,3,٩", "is not X,Y,WIDTH,HEIGHT in whole pixels"),
        ("1,2,3", "crop '1,2,3' is not X,Y,WIDTH,HEIGHT in whole pixels, such as 40,60,64,48"),
        ("1,2,3,-4", "is not X,Y,WIDTH,HEIGHT"),
        ("a,b,c,d", "is not X,Y,WIDTH,HEIGHT"),
        ("1,2,0,4", "crop '1,2,0,4' is empty"),
    ],
)
def test_bad_crops_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Crop.parse(text)


def test_a_crop_must_lie_within_the_cropped_image(source: Path) -> None:
    assert Crop.parse("40,2, 20,48") == Crop(40, 2, 20, 48)
    with pytest.raises(InputError, match=r"crop 40,2,22,48 reaches beyond the image, which is 60x48"):
        draw(source, [Crop(40, 2, 22, 48)], [3])


def test_an_image_smaller_than_the_scale_is_refused(tmp_path: Path) -> None:
    Image.fromarray(picture()[:2, :, 0]).save(tmp_path / "low.png")
    with pytest.raises(InputError, match=r"low\.png is 62x2; x3 needs a larger image"):
        draw(tmp_path / "low.png", [], [3])
