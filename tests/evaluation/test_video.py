from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import noise_clip, samples
from tests.media import H264, ffmpeg, pattern, video
from vs_espcn.errors import InputError
from vs_espcn.evaluation.images import degrade
from vs_espcn.evaluation.kernel_scores import find_kernels
from vs_espcn.evaluation.methods import Method, choose
from vs_espcn.evaluation.scores import EXACT_COPY, Score
from vs_espcn.evaluation.video import frame_psnrs, score_clips
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit
from vs_espcn.training.data.kernels import KERNELS
from vs_espcn.training.metrics import psnr, shave


def methods(*names: str) -> list[Method]:
    return choose(names, [], None, [2], None)[0]


def mean(scores: list[Score], source: str) -> float:
    return fmean(score.psnr for score in scores if score.source == source)


def test_psnr_of_frames_is_that_of_images() -> None:
    truth = noise_clip(vs.GRAY8, 30, 20, 3)
    result = vs.core.std.Levels(truth, min_in=0, max_in=255, min_out=9, max_out=240)
    expected = [psnr(samples(result, frame=n), samples(truth, frame=n)) for n in range(3)]
    assert list(frame_psnrs(result, truth)) == pytest.approx(expected, rel=1e-12)
    assert list(frame_psnrs(truth, truth)) == [EXACT_COPY] * 3
    black, white = (vs.core.std.BlankClip(truth, color=code) for code in (0, 255))
    assert list(frame_psnrs(black, white)) == pytest.approx([0.0] * 3)


def test_each_frame_is_measured_as_an_image_is(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mkv", "-qp", "0", frames=4, size="66x50")
    scores = list(score_clips([clip], methods("bicubic"), [3], frames=2, rates=[]))
    assert [(score.group, score.item, score.source) for score in scores] == [
        ("clip.mkv", "0", "uncompressed"),
        ("clip.mkv", "1", "uncompressed"),
    ]
    truth = samples(vs.core.bs.VideoSource(clip, cachemode=0), frame=1)[:48, :66].astype(np.uint8)
    result = round_to_8_bit(enlarge(degrade(truth, 3) / 255, 3))
    assert scores[1].psnr == pytest.approx(psnr(shave(result, 3), shave(truth, 3)), abs=0.02)


def test_compression_costs_and_the_network_gains(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mp4", "-crf", "4", frames=3, size="320x240")
    scores = list(score_clips([clip], methods("bicubic", "espcn"), [2], frames=None, rates=[18, 40]))
    assert len(scores) == 3 * 3 * 2
    for method in ("bicubic", "espcn"):
        of_method = [score for score in scores if score.method == method]
        assert mean(of_method, "uncompressed") > mean(of_method, "crf 18") > mean(of_method, "crf 40") + 3
    of_network = mean([score for score in scores if score.method == "espcn"], "uncompressed")
    assert of_network > mean([score for score in scores if score.method == "bicubic"], "uncompressed") + 0.5


@pytest.mark.parametrize("pixels", ["gray", "yuv420p10le", "yuv444p", "yuvj420p"])
def test_grey_deep_and_full_range_clips_are_measured(tmp_path: Path, pixels: str) -> None:
    clip = tmp_path / "clip.mkv"
    ffmpeg(*pattern(2, "80x60"), "-pix_fmt", pixels, "-c:v", "ffv1", clip)
    scores = list(score_clips([clip], methods("bicubic", "espcn"), [2], frames=None, rates=[23]))
    assert len(scores) == 2 * 2 * 2
    assert all(15 < score.psnr < 60 for score in scores)


def test_clips_that_cannot_be_measured_are_refused(tmp_path: Path) -> None:
    def refuse(clip: Path, message: str) -> None:
        with pytest.raises(InputError, match=message):
            list(score_clips([clip], methods("bicubic"), [2], frames=None, rates=[]))

    tiny = video(tmp_path / "tiny.mkv", frames=1, size="16x6")
    refuse(tiny, "tiny.mkv is 16x6; x2 needs 8 pixels a side or more")
    fields = tmp_path / "fields.mkv"
    ffmpeg(*pattern(2), *H264, "-vf", "setfield=tff", "-flags", "+ildct+ilme", "-x264opts", "tff=1", fields)
    refuse(fields, r"fields\.mkv: the clip is interlaced")
    rgb = tmp_path / "rgb.mkv"
    ffmpeg(*pattern(2), "-pix_fmt", "bgr0", "-c:v", "ffv1", rgb)
    refuse(rgb, r"rgb\.mkv is RGB24; give a clip in YUV or grey")
    (tmp_path / "text.mkv").write_text("no video")
    refuse(tmp_path / "text.mkv", r"text\.mkv")
    refuse(tmp_path / "absent.mkv", "does not exist")


def test_clips_are_reduced_by_every_kernel_that_is_asked_for(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mkv", "-qp", "0", frames=2, size="64x48")
    kernels = find_kernels(["box", "bicubic"])
    scores = list(score_clips([clip], methods("bicubic"), [2], frames=1, rates=[30], kernels=kernels))
    assert [score.source for score in scores] == [
        "box, uncompressed",
        "box, crf 30",
        "bicubic, uncompressed",
        "bicubic, crf 30",
    ]
    truth = samples(vs.core.bs.VideoSource(clip, cachemode=0)).astype(np.uint8)
    result = round_to_8_bit(enlarge(degrade(truth, 2, KERNELS["box"]) / 255, 2))
    assert scores[0].psnr == pytest.approx(psnr(shave(result, 2), shave(truth, 2)), abs=0.02)
