"""``network="auto"``: its rule on figures made up here, and the filter that follows it."""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import noise_clip, samples
from vs_espcn.errors import InputError
from vs_espcn.filter import auto_network
from vs_espcn.filter import upscale as filter_module
from vs_espcn.filter.auto_network import Criteria, NetworkChoice, choose_network, criteria_for, runnable
from vs_espcn.filter.target_size import UpscaleSteps, shipped_steps, steps_to
from vs_espcn.networks import registry
from vs_espcn.networks.quality import Quality

FP32 = vs_espcn.OpenVINO(precision="fp32")


def plans(*names: str, scale: int = 2) -> dict[str, UpscaleSteps]:
    found = shipped_steps(vs.core.std.BlankClip(format=vs.GRAY8, length=1), scale, None, None)
    return {name: found[name] for name in names}


def choose_by(
    monkeypatch: pytest.MonkeyPatch,
    psnr: Mapping[str, float],
    criteria: Criteria | None = None,
    rates: Mapping[str, float] | None = None,
) -> NetworkChoice:
    """The choice among shipped networks that were as good and as fast as told."""

    def quality_of(spec: registry.ModelSpec) -> Quality | None:
        figure = psnr[spec.network]
        if not figure:
            return None
        return Quality(set5=figure, set14=figure, kernels=figure, video=figure, anime=figure)

    monkeypatch.setattr(auto_network, "quality_of", quality_of)
    return choose_network(plans(*psnr), criteria or Criteria(), dict(rates or {}).__getitem__)


def test_the_best_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose_by(monkeypatch, {"subpixel-s": 33.0, "subpixel-m": 33.4, "espcn": 33.2})
    assert choice == NetworkChoice(
        network="subpixel-m",
        reason="the best on video sources (33.40 dB) with no more operations than espcn",
    )


def test_the_kind_of_source_decides() -> None:
    names = ("espcn", "subpixel-s", "subpixel-m", "subpixel-m-video")
    for source, expected in (("clean", "subpixel-m"), ("video", "subpixel-m-video")):
        criteria = criteria_for("auto", source, None)
        assert criteria is not None
        assert choose_network(plans(*names), criteria, lambda _: 1.0).network == expected


def test_what_nobody_sees_is_not_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_by(monkeypatch, {"subpixel-s": 33.36, "subpixel-m": 33.40}).network == "subpixel-s"
    assert choose_by(monkeypatch, {"subpixel-s": 33.34, "subpixel-m": 33.40}).network == "subpixel-m"


def test_of_equals_the_one_that_was_trained_for_it_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    psnr = {"subpixel-m": 33.38, "subpixel-m-video": 33.40, "subpixel-m-anime": 33.36}
    for source, network in (("video", "-video"), ("anime", "-anime"), ("clean", "")):
        choice = choose_by(monkeypatch, psnr, Criteria(source=source))
        assert choice.network == f"subpixel-m{network}"
    psnr = {"subpixel-m-video": 33.40, "subpixel-m-anime": 33.34}
    assert choose_by(monkeypatch, psnr, Criteria(source="anime")).network == "subpixel-m-video"


def test_operations_are_counted_over_both_steps() -> None:
    """The second works on the picture that the first made, at four times the samples."""
    clip = vs.core.std.BlankClip(width=64, height=48, format=vs.GRAY8, length=1)
    one, two = (steps_to(clip, "espcn", scale, None, None) for scale in (2, 8))
    of_two, of_four = 21_184, 24_640  # by hand, from the shapes in the paper
    assert auto_network._macs(one) == of_two
    assert [step.scale for step in two.steps] == [2, 4]
    assert auto_network._macs(two) == of_two + 4 * of_four


def test_without_a_frame_rate_nothing_slower_than_espcn_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    larger = {"subpixel-s": 9940.0, "espcn": 21184.0, "subpixel-m": 38308.0}
    monkeypatch.setattr(auto_network, "_macs", lambda plan: larger[plan.steps[0].network])
    psnr = {"subpixel-s": 33.0, "subpixel-m": 34.0, "espcn": 33.5}
    assert choose_by(monkeypatch, psnr).network == "espcn"
    fast = dict.fromkeys(psnr, 100.0)
    assert choose_by(monkeypatch, psnr, Criteria(fps=25), fast).network == "subpixel-m"


def test_with_a_frame_rate_the_best_that_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    psnr = {"espcn": 33.5, "subpixel-m": 33.4, "subpixel-s": 33.2}
    rates = {"espcn": 12.0, "subpixel-m": 25.0, "subpixel-s": 40.0}
    choice = choose_by(monkeypatch, psnr, Criteria(source="anime", fps=24), rates)
    assert choice.network == "subpixel-m"
    assert choice.reaches_fps
    assert choice.reason == (
        "the best on anime sources (33.40 dB) that keeps up with 24 fps here "
        "(espcn 12.0 fps, subpixel-m 25.0 fps)"
    )
    choice = choose_by(monkeypatch, psnr, Criteria(fps=60), rates)
    assert choice.network == "subpixel-s"
    assert not choice.reaches_fps
    assert "the fastest here, as none keeps up with 60 fps" in choice.reason


def test_what_is_worse_and_larger_is_not_even_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    psnr = {"espcn": 33.0, "subpixel-m": 33.4, "subpixel-s": 33.2}
    assert (
        choose_by(monkeypatch, psnr, Criteria(fps=60), {"subpixel-m": 20, "subpixel-s": 30}).network
        == "subpixel-s"
    )


def test_what_was_not_measured_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_by(monkeypatch, {"espcn": 33.0, "subpixel-m": 0}).network == "espcn"
    with pytest.raises(InputError, match=r"knows nothing of the quality of subpixel-m; name the network"):
        choose_by(monkeypatch, {"subpixel-m": 0})


def test_only_networks_of_that_scale_and_no_int8_forms() -> None:
    clip = vs.core.std.BlankClip(format=vs.GRAY8, length=1)
    of_three = shipped_steps(clip, 3, None, None)
    assert "espcn" in of_three
    assert not [name for name in of_three if name.endswith("-int8")]
    for scale in (1.5, 2, 3, 4, 6):
        chains = {
            tuple(step.scale for step in plan.steps)
            for plan in shipped_steps(clip, scale, None, None).values()
        }
        assert len(chains) == 1, "all of them compute as much, in as many steps"
    with pytest.raises(InputError, match=r"scale 17 is out of reach: espcn has networks for 2, 3, 4"):
        shipped_steps(clip, 17, None, None)


@pytest.mark.usefixtures("with_vnni")
def test_of_a_precision_only_networks_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vs_espcn.runtime.precision.in_int8", lambda spec: None if spec.network != "espcn" else spec
    )
    int8 = vs_espcn.OpenVINO(precision="int8")
    both = plans("espcn", "subpixel-s")
    assert list(runnable(both, FP32)) == ["espcn", "subpixel-s"]
    assert list(runnable(both, int8)) == ["espcn"]
    with pytest.raises(InputError, match=r"subpixel-s_x2\.onnx has no int8 form"):
        runnable(plans("subpixel-s"), int8)


@pytest.mark.parametrize(
    ("network", "source", "fps", "message"),
    [
        ("auto", "film", None, "source is 'film'; choose one of clean, video, anime"),
        ("auto", None, 0, "fps is 0; give a number above 0"),
        ("auto", None, -24.0, "fps is -24.0"),
        ("auto", None, float("nan"), "fps is nan"),
        ("auto", None, "60", "fps is '60'"),
        ("espcn", "video", None, "source='video' is for network='auto', and network is 'espcn'"),
        ("espcn", None, 60.0, "fps=60.0 is for network='auto'"),
    ],
)
def test_wishes_that_cannot_be_used(network: str, source: str | None, fps: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        criteria_for(network, source, fps)


def test_a_named_network_is_no_wish() -> None:
    assert criteria_for("espcn", None, None) is None
    assert criteria_for("auto", None, None) == Criteria(source="video", fps=None)


def test_the_filter_takes_it_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    clip = noise_clip(vs.YUV420P8, 48, 32)
    with caplog.at_level(logging.INFO, "vs_espcn"):
        chosen = vs_espcn.upscale(clip, 2, network="auto", source="clean", backend=FP32)
    (line,) = [record.message for record in caplog.records if record.message.startswith("network ")]
    name, _, reason = line.removeprefix("network ").partition(": ")
    assert reason.startswith("the best on clean sources")
    named = vs_espcn.upscale(clip, 2, network=name, backend=FP32)
    assert np.array_equal(samples(chosen), samples(named))


@pytest.mark.parametrize("video", [vs.YUV420P8, vs.YUV444P16, vs.GRAYS, vs.RGB24])
def test_speed_is_measured_once(video: vs.PresetVideoFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = noise_clip(video, 32, 32)
    first = vs_espcn.upscale(clip, 3, network="auto", fps=0.001, backend=FP32)
    assert (first.width, first.num_frames) == (96, 1)

    def frame_rate(_: vs.VideoNode) -> float:
        pytest.fail("it is known")

    monkeypatch.setattr(filter_module, "frame_rate", frame_rate)
    vs_espcn.upscale(clip, 3, network="auto", fps=0.001, backend=FP32)


def test_speed_with_a_function_for_chroma_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    monkeypatch.setattr(filter_module, "frame_rate", lambda _: rates.append(5.0) or 5.0)
    clip = noise_clip(vs.YUV420P8, 32, 32)
    for _ in range(2):
        vs_espcn.upscale(
            clip,
            3,
            network="auto",
            fps=1,
            backend=FP32,
            chroma=lambda plane: vs.core.resize.Point(plane, plane.width * 3, plane.height * 3),
        )
    assert len(rates) == 2


@pytest.mark.usefixtures("with_vnni")
def test_in_int8_the_int8_forms_are_compared() -> None:
    both = runnable(plans("espcn", "subpixel-s"), vs_espcn.OpenVINO(precision="int8"))
    assert [plan.steps[0].network for plan in both.values()] == ["espcn-int8", "subpixel-s-int8"]


def test_a_frame_rate_that_is_out_of_reach_is_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_module, "frame_rate", lambda _: 5.0)
    vs_espcn.upscale(noise_clip(vs.GRAY8, 32, 32), 2, network="auto", fps=60, backend=FP32)
    (warning,) = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert "as none keeps up with 60 fps" in warning


def test_clips_that_vary_are_chosen_for_by_rule_alone() -> None:
    clip = vs.core.std.Splice([noise_clip(vs.GRAY8, 32, 32), noise_clip(vs.GRAY8, 40, 32)], mismatch=True)
    varying = vs_espcn.upscale(clip, 2, network="auto", backend=FP32)
    assert [frame.width for frame in varying.frames()] == [64, 80]
    with pytest.raises(vs.Error, match="vs_espcn: fps is given, and the clip's format or size varies"):
        vs_espcn.upscale(clip, 2, network="auto", fps=25, backend=FP32)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_each_networks_file_is_read_once(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    read = onnx.load

    def counted(path: Path, **options: bool) -> onnx.ModelProto:
        reads[path.name] += 1
        return read(path, **options)

    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx512_vnni"])
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(onnx, "load", counted)
    backend = vs_espcn.OpenVINO(precision=precision)  # type: ignore[arg-type]
    for _ in range(2):
        vs_espcn.upscale(noise_clip(vs.GRAY8, 32, 32), 2, network="auto", backend=backend)
    assert set(reads.values()) == {1}
    assert len(reads) == sum(
        spec.scale == 2 and (precision == "int8" or not spec.is_int8) for spec in registry.shipped()
    )
