import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vs_espcn.errors import TrainingError
from vs_espcn.training.data import compression
from vs_espcn.training.data.compression import (
    ANIME,
    VIDEO,
    X264,
    X264_TUNED,
    X265,
    X265_TUNED,
    AsVideo,
    Treatment,
    VideoEncoder,
    draw_treatment,
    through_encoder,
)
from vs_espcn.training.data.degradation import clean, enlarge, round_to_8_bit
from vs_espcn.training.metrics import psnr


def photo(seed: int) -> np.ndarray:
    """A smooth luma image with a few edges, uint8 (110, 90)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:110, :90] / 24.0
    a, b, c = random.uniform(0.5, 3, 3)
    return (90 + 40 * np.sin(a * x + b * y) + 40 * (np.cos(b * x - c * y) > 0)).astype(np.uint8)


@pytest.mark.parametrize("encoder", [X264, X265, X264_TUNED, X265_TUNED])
def test_a_higher_rate_factor_loses_more(encoder: VideoEncoder) -> None:
    frames = [photo(1)[:96, shift : shift + 64] for shift in range(3)]
    fine, coarse = (through_encoder(frames, encoder, rate) for rate in (10, 40))
    for frame, near, far in zip(frames, fine, coarse, strict=True):
        assert near.shape == frame.shape
        assert psnr(near, frame) > psnr(far, frame) + 3
        assert psnr(near, frame) > 38


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_low_resolution_lies_where_the_high_one_does(seed: int, scale: int, tmp_path: Path) -> None:
    high, low = AsVideo(VIDEO, tmp_path)(photo(seed), scale)
    assert high.shape == tuple(scale * side for side in low.shape)
    assert all(side % 2 == 0 for side in low.shape)
    bicubic = round_to_8_bit(enlarge(low / 255, scale))
    inner = (slice(8, -8), slice(8, -8))
    aligned = psnr(bicubic[inner], high[inner])
    for shift, axis in ((-2, 0), (2, 0), (-2, 1), (2, 1)):
        assert psnr(np.roll(bicubic, shift, axis)[inner], high[inner]) < aligned


def test_an_image_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, low = AsVideo(VIDEO, tmp_path)(photo(0), 2)
    (kept,) = tmp_path.rglob("*.png")
    with monkeypatch.context() as patched:
        patched.setattr(compression, "through_encoder", None)  # would fail if it were called
        assert np.array_equal(AsVideo(VIDEO, tmp_path)(photo(0), 2)[1], low)
    kept.write_bytes(kept.read_bytes()[:60])
    assert np.array_equal(AsVideo(VIDEO, tmp_path)(photo(0), 2)[1], low)


def test_images_and_scales_are_treated_differently(tmp_path: Path) -> None:
    degrade = AsVideo(VIDEO, tmp_path)
    for seed, scale in ((0, 2), (1, 2), (0, 3)):
        degrade(photo(seed), scale)
    assert len(list(tmp_path.rglob("*.png"))) == 3
    drawn = [draw_treatment(VIDEO, np.random.default_rng(seed)) for seed in range(200)]
    assert {each.encoder for each in drawn} == {X264, X265}
    assert {each.rate for each in drawn} == set(range(16, 31))
    assert {each.kept for each in drawn} == set(range(4))
    for values in ([each.blur for each in drawn], [each.noise for each in drawn]):
        assert 60 < values.count(0.0) < 140


def test_the_draws_of_video_stay_what_they_were() -> None:
    """Networks were trained with them, and what encoders made is kept by them."""
    drawn = [draw_treatment(VIDEO, np.random.default_rng(seed)) for seed in (0, 1, 3)]
    assert drawn == [
        Treatment(motion=(2, 1), kept=2, blur=0.0, noise=0.0, encoder=X264, rate=18),
        Treatment(motion=(0, 0), kept=3, blur=0.0, noise=2.6918966828234634, encoder=X265, rate=19),
        Treatment(
            motion=(2, -3), kept=0, blur=0.3012744652063969, noise=0.4929722163862067, encoder=X264, rate=16
        ),
    ]


def test_video_finds_what_earlier_versions_kept(tmp_path: Path) -> None:
    ramp = np.arange(96 * 96, dtype=np.uint8).reshape(96, 96)
    AsVideo(VIDEO, tmp_path)(ramp, 2)
    (kept,) = tmp_path.rglob("*.png")
    assert kept.stem == "78a3e12cd3722058e2404c1024b9e2690a9612553dfa0a370a434ce198eefff2"


def test_a_quarter_of_anime_stays_clean() -> None:
    drawn = [draw_treatment(ANIME, np.random.default_rng(seed)) for seed in range(400)]
    untouched = [each for each in drawn if each.encoder is None]
    assert 70 < len(untouched) < 130
    assert all(each.blur == each.noise == 0 for each in untouched)
    assert {each.rate for each in drawn} == set(range(16, 29))
    assert max(each.noise for each in drawn) < 1.5


def test_what_stays_clean_is_bicubic_alone(tmp_path: Path) -> None:
    degrade = AsVideo(replace(ANIME, encoders=(None,)), tmp_path)
    high, low = degrade(photo(4), 2)
    assert np.array_equal(low, clean(high, 2)[1])


def test_anime_and_video_are_kept_apart(tmp_path: Path) -> None:
    for source in (VIDEO, ANIME):
        AsVideo(source, tmp_path)(photo(0), 2)
    assert len(list(tmp_path.rglob("*.png"))) == 2


@pytest.mark.parametrize("encoder", [X264, X265, X265_TUNED])
def test_tiny_frames_survive(encoder: VideoEncoder) -> None:
    frames = [photo(2)[shift : shift + 28, :36] for shift in range(4)]
    for frame, coded in zip(frames, through_encoder(frames, encoder, 16), strict=True):
        assert coded.shape == frame.shape
        assert psnr(coded, frame) > 35


def test_a_missing_encoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/none/ffmpeg")
    with pytest.raises(TrainingError, match=r"ffmpeg cannot be run .*; name one in IMAGEIO_FFMPEG_EXE"):
        through_encoder([photo(0)[:32, :32]], X264, 20)
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")

    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr=b"Unknown encoder 'libx265'")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(TrainingError, match="Unknown encoder 'libx265'; it needs libx264 and libx265"):
        through_encoder([photo(0)[:32, :32]], X265, 20)
