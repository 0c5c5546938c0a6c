import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vs_espcn.errors import TrainingError
from vs_espcn.training.data import compression
from vs_espcn.training.data.compression import (
    ANIME,
    AV1,
    MPEG2,
    VIDEO,
    X264,
    X264_MEDIUM,
    X264_TUNED,
    X265,
    X265_TEN_BITS,
    X265_TUNED,
    AsVideo,
    Treatment,
    VideoEncoder,
    degrade_frames,
    draw_treatment,
    is_there,
    through_encoder,
)
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit
from vs_espcn.training.metrics import psnr


def photo(seed: int) -> np.ndarray:
    """A smooth luma image with a few edges, uint8 (110, 90)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:110, :90] / 24.0
    a, b, c = random.uniform(0.5, 3, 3)
    return (90 + 40 * np.sin(a * x + b * y) + 40 * (np.cos(b * x - c * y) > 0)).astype(np.uint8)


ALL = (X264, X264_MEDIUM, X264_TUNED, X265, X265_TEN_BITS, X265_TUNED, AV1, MPEG2)


@pytest.mark.parametrize("encoder", ALL)
def test_a_higher_rate_factor_loses_more(encoder: VideoEncoder) -> None:
    frames = [photo(1)[:96, shift : shift + 64] for shift in range(3)]
    fine, coarse = (
        through_encoder(frames, encoder, rate) for rate in ((2, 20) if encoder == MPEG2 else (8, 42))
    )
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
    drawn = [draw_treatment(VIDEO, np.random.default_rng(seed)) for seed in range(1000)]
    assert {each.encoder for each in drawn} == {*VIDEO.encoders}
    assert {each.rate for each in drawn if each.encoder == X264} == set(range(15, 31))
    assert {each.rate for each in drawn if each.encoder == MPEG2} == set(range(2, 9))
    assert {each.kept for each in drawn} == set(range(4))
    assert 100 < sum(each.treated for each in drawn) < 200
    assert 130 < sum(each.noise > 0 for each in drawn) < 230


def test_what_no_encoder_touches_has_no_noise() -> None:
    for source in (VIDEO, ANIME):
        drawn = [draw_treatment(source, np.random.default_rng(seed)) for seed in range(200)]
        untouched = [each for each in drawn if each.encoder is None]
        assert untouched
        assert all(each.noise == 0 for each in untouched)


def test_the_draws_stay_what_they_were() -> None:
    """What encoders made is kept by them; a change needs another version of the source."""
    drawn = draw_treatment(VIDEO, np.random.default_rng(0))
    assert (VIDEO.version, ANIME.version) == ("video 3", "anime 3")
    assert drawn == Treatment(
        motion=(2, 1),
        kept=1,
        treated=False,
        noise=0.02479145329279364,
        encoder=X265,
        rate=25,
        seed=3920255353,
    )


def test_all_frames_of_a_clip_go_through_one_kernel() -> None:
    frames = [photo(1)[:96, :80]] * 2
    untouched = replace(
        draw_treatment(VIDEO, np.random.default_rng(0)), encoder=None, noise=0.0, treated=True
    )
    first, second = degrade_frames(frames, 2, untouched)
    assert np.array_equal(first, second)
    kernels = {degrade_frames(frames, 2, replace(untouched, seed=seed))[0].tobytes() for seed in range(12)}
    assert len(kernels) > 6


def test_a_missing_encoder_is_named_once_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_there.cache_clear()
    monkeypatch.setattr(compression, "run_ffmpeg", lambda *_: b" V..... libx264 one\n V..... libx265 two\n")
    drawn = [draw_treatment(VIDEO, np.random.default_rng(seed)) for seed in range(60)]
    is_there.cache_clear()
    codecs = {each.encoder.codec for each in drawn if each.encoder}
    assert codecs == {"libx264", "libx265"}
    assert caplog.text.count("ffmpeg has no libsvtav1; training continues without it") == 1
    assert caplog.text.count("ffmpeg has no mpeg2video") == 1


def test_anime_and_video_are_kept_apart(tmp_path: Path) -> None:
    for source in (VIDEO, ANIME):
        AsVideo(source, tmp_path)(photo(0), 2)
    assert len(list(tmp_path.rglob("*.png"))) == 2


@pytest.mark.parametrize("encoder", ALL)
def test_tiny_frames_survive(encoder: VideoEncoder) -> None:
    frames = [photo(2)[shift : shift + 28, :36] for shift in range(4)]
    for frame, coded in zip(
        frames, through_encoder(frames, encoder, 4 if encoder == MPEG2 else 16), strict=True
    ):
        assert coded.shape == frame.shape
        assert psnr(coded, frame) > 35


def test_a_missing_encoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/none/ffmpeg")
    with pytest.raises(TrainingError, match=r"ffmpeg cannot be run .*; give its path in IMAGEIO_FFMPEG_EXE"):
        through_encoder([photo(0)[:32, :32]], X264, 20)
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")

    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr=b"Unknown encoder 'libx265'")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(TrainingError, match="Unknown encoder 'libx265'; it needs libx264 and libx265"):
        through_encoder([photo(0)[:32, :32]], X265, 20)
