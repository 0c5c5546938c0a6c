"""The protocol, checked against the figures that the literature prints; and out-of-the-ordinary images."""

import logging
from functools import cache
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.pictures import folder_of, picture
from tests.media import DATA
from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import through_arrays
from vs_espcn.evaluation.images import Original, read_folders, read_measured_luma, score_images
from vs_espcn.evaluation.kernel_scores import find_kernels
from vs_espcn.evaluation.methods import Method, choose
from vs_espcn.evaluation.scores import EXACT_COPY, Score
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit, shrink
from vs_espcn.training.data.kernels import KERNELS
from vs_espcn.training.metrics import mod_crop, psnr, shave

EVAL = DATA / "eval"


@cache
def bicubic_scores() -> list[Score]:
    methods, scales = choose(["bicubic"], [], None, [], None)
    return list(score_images(read_folders([EVAL / "Set5", EVAL / "Set14"], scales), methods, scales))


@pytest.mark.skipif(not EVAL.is_dir(), reason=f"no {EVAL} (Set5 and Set14); VS_ESPCN_DATA names its parent")
@pytest.mark.parametrize(
    ("group", "scale", "psnr", "ssim"),
    [
        ("Set5", 2, 33.65, 0.9299),
        ("Set5", 3, 30.39, 0.8682),
        ("Set5", 4, 28.42, 0.8104),
        ("Set14", 2, 30.23, 0.8687),
        ("Set14", 3, 27.54, 0.7736),
        ("Set14", 4, 26.00, 0.7019),
    ],
)
def test_bicubic_scores_what_the_literature_prints(group: str, scale: int, psnr: float, ssim: float) -> None:
    scores = [score for score in bicubic_scores() if (score.group, score.scale) == (group, scale)]
    assert fmean(score.psnr for score in scores) == pytest.approx(psnr, abs=0.02)
    assert fmean(score.ssim or 0 for score in scores) == pytest.approx(ssim, abs=0.001)


def test_a_method_gets_8_bit_and_its_border_does_not_count() -> None:
    luma = np.random.default_rng(0).integers(16, 236, (52, 50)).astype(np.uint8)
    seen = []

    def upscale(low: np.ndarray) -> np.ndarray:
        seen.append(low.copy())
        result = luma[:51, :48].copy()
        result[:3], result[:, -3:] = 0, 255
        return result

    method = Method(
        name="cheat",
        scales=frozenset({3}),
        upscale=lambda clip, scale: through_arrays(clip, scale, upscale),
    )
    original = Original(group="set", name="noise.png", luma=luma)
    (score,) = score_images([original], [method], [2, 3])
    assert (score.group, score.item, score.scale, score.method) == ("set", "noise.png", 3, "cheat")
    assert score.psnr == EXACT_COPY
    assert score.ssim == pytest.approx(1)
    assert seen[0].shape == (17, 16)
    assert seen[0].dtype == np.uint8


def test_grey_is_measured_as_it_is_and_alpha_lies_over_grey(tmp_path: Path) -> None:
    grey = picture()[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(read_measured_luma(tmp_path / "grey.png"), grey)

    rgba = np.dstack([picture(), np.full((50, 62), 255, np.uint8)])
    rgba[:, :31, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    Image.fromarray(picture()).save(tmp_path / "opaque.png")
    luma = read_measured_luma(tmp_path / "alpha.png")
    assert np.array_equal(luma[:, 31:], read_measured_luma(tmp_path / "opaque.png")[:, 31:])
    assert np.ptp(luma[:, :31]) == 0


def test_what_cannot_be_used_is_skipped_with_a_line_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path / "set", count=1)
    (folder / "0.png").rename(folder / "good.png")
    (folder / "torn.png").write_bytes((folder / "good.png").read_bytes()[:200])
    (folder / "empty.png").touch()
    Image.fromarray(picture(height=18)).save(folder / "small.png")
    with caplog.at_level(logging.WARNING):
        images = read_folders([folder], [2, 4])
    assert [image.name for image in images] == ["good.png"]
    lines = caplog.messages
    assert len(lines) == 4
    assert all("\n" not in line for line in lines)
    assert any("torn.png cannot be decoded" in line for line in lines)
    assert any("empty.png cannot be decoded" in line for line in lines)
    assert any("small.png is 62x18; 22 pixels a side are enough" in line for line in lines)
    assert lines[-1].endswith("set: 3 of 4 images skipped")


def test_the_size_that_is_said_to_be_enough_is_enough(tmp_path: Path) -> None:
    methods, _ = choose(["nearest"], [], None, [4], None)
    Image.fromarray(picture(height=22)).save(tmp_path / "small.png")
    assert list(score_images(read_folders([tmp_path], [4]), methods, [4]))
    Image.fromarray(picture(height=18)).save(tmp_path / "small.png")
    assert list(score_images(read_folders([tmp_path], [3]), methods, [3]))
    with pytest.raises(InputError, match=r"has no usable image; give a folder of larger or whole images"):
        read_folders([tmp_path], [4])


def test_a_folder_must_hold_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no images in .*; give folders with"):
        read_folders([tmp_path], [2])
    with pytest.raises(InputError, match="is not a folder; give folders of images"):
        read_folders([tmp_path / "absent"], [2])


def test_folders_of_one_name_stay_apart(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        (tmp_path / parent).mkdir()
        folder_of(tmp_path / parent / "set", count=1)
    images = read_folders([tmp_path / "a" / "set", tmp_path / "b" / "set"], [2])
    assert len({image.group for image in images}) == 2


def test_images_are_reduced_by_every_kernel_that_is_asked_for(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", count=1)
    methods, scales = choose(["bicubic"], [], None, [2], None)
    images = read_folders([folder], scales)
    kernels = find_kernels(["box", "lanczos"])
    scores = list(score_images(images, methods, scales, kernels))
    assert [score.source for score in scores] == ["box", "lanczos"]
    truth = mod_crop(images[0].luma, 2)
    for score in scores:
        low = round_to_8_bit(shrink(truth / 255, 2, KERNELS[score.source]))
        result = round_to_8_bit(enlarge(low / 255, 2))
        assert score.psnr == pytest.approx(psnr(shave(result, 2), shave(truth, 2)), abs=0.02)


def test_without_a_kernel_it_is_the_bicubic_of_the_literature(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", count=1)
    methods, scales = choose(["bicubic"], [], None, [2], None)
    images = read_folders([folder], scales)
    (usual,) = score_images(images, methods, scales)
    (named,) = score_images(images, methods, scales, find_kernels(["bicubic"]))
    assert usual.source == "uncompressed"
    assert (usual.psnr, usual.ssim) == (named.psnr, named.ssim)


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(InputError, match="kernel 'magic' is not known; choose box, box-linear, bilinear"):
        find_kernels(["box", "magic"])
