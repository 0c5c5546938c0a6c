from pathlib import Path

import pytest
import vapoursynth as vs

from tests.encode_support import double
from tests.media import FFMPEG, decode, ffmpeg, pattern, video
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import plan_encode
from vs_espcn.encoding.hdr10 import hdr10_notes, hdr10_parameters
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.segments import encode_in_segments
from vs_espcn.encoding.source import open_source

DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
EXPECTED = {
    "MasteringDisplayPrimariesX": [0.68, 0.265, 0.15],
    "MasteringDisplayPrimariesY": [0.32, 0.69, 0.06],
    "MasteringDisplayWhitePointX": 0.3127,
    "MasteringDisplayWhitePointY": 0.329,
    "MasteringDisplayMinLuminance": 0.0001,
    "MasteringDisplayMaxLuminance": 1000,
    "ContentLightLevelMax": 1000,
    "ContentLightLevelAverage": 400,
}
TAGS = {"_Matrix": 9, "_Transfer": 16, "_Primaries": 9}


@pytest.fixture(scope="module")
def hdr10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hdr10") / "in.mp4"
    colours = ("-vf", "setparams=colorspace=bt2020nc:color_trc=smpte2084:color_primaries=bt2020")
    ffmpeg(
        *pattern(6, "128x96"), "-pix_fmt", "yuv420p10le", *colours, "-c:v", "libx265", "-preset", "ultrafast",
        *("-x265-params", f"log-level=error:master-display={DISPLAY}:max-cll=1000,400", path),
    )  # fmt: skip
    return path


def kept(path: Path) -> dict[str, object]:
    props = decode(path).get_frame(0).props
    return {name: pytest.approx(props.get(name), abs=2e-4) for name in EXPECTED}


@pytest.fixture(autouse=True)
def _bundled_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems' SVT-AV1 hangs on small pictures."""
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", FFMPEG)


@pytest.mark.parametrize("preset", ["x264", "x265", "svtav1"])
@pytest.mark.parametrize("in_segments", [False, True])
def test_the_metadata_is_kept(hdr10: Path, tmp_path: Path, preset: str, in_segments: bool) -> None:
    output = tmp_path / "out.mkv"
    source = open_source(hdr10)
    encode_plan = plan_encode(double(source.clip), check_output(hdr10, output), source, preset=preset)
    assert encode_plan.notes == ()
    if in_segments:
        encode_in_segments(encode_plan, settings={}, length=4)
    else:
        encode(encode_plan)
    assert kept(output) == EXPECTED
    props = decode(output).get_frame(5).props
    assert {name: props[name] for name in TAGS} == TAGS
    assert decode(output).format.id == vs.YUV420P10


def test_parameters_of_the_user_win_and_the_rest_is_kept(hdr10: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    source = open_source(hdr10)
    args = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:max-cll=700,300")
    encode(plan_encode(double(source.clip), check_output(hdr10, output), source, ffmpeg_args=args))
    assert kept(output) == EXPECTED | {"ContentLightLevelMax": 700, "ContentLightLevelAverage": 300}


def test_an_encoder_that_cannot_carry_it_gets_a_note(hdr10: Path, tmp_path: Path) -> None:
    source = open_source(hdr10)
    destination = check_output(hdr10, tmp_path / "out.mkv")
    encode_plan = plan_encode(double(source.clip), destination, source, preset="ffv1")
    assert encode_plan.notes == ("HDR10 metadata is left out, since ffv1 cannot be given it",)


def test_hlg_is_kept_and_sdr_gets_nothing(tmp_path: Path) -> None:
    source_path = video(tmp_path / "in.mp4", frames=2)
    source = open_source(source_path)
    clip = vs.core.std.SetFrameProps(source.clip, _Matrix=9, _Transfer=18, _Primaries=9)
    output = tmp_path / "out.mkv"
    encode_plan = plan_encode(clip, check_output(source_path, output), source, preset="x265")
    assert "-x265-params" not in encode_plan.arguments(encode_plan.destination.path)
    encode(encode_plan)
    assert decode(output).get_frame(0).props["_Transfer"] == 18


def test_metadata_that_is_incomplete_is_not_taken_for_kept() -> None:
    """Matroska may name the primaries of a display without its luminance."""
    props = {
        "MasteringDisplayPrimariesX": [0.7, 0.2, 0.1],
        "MasteringDisplayPrimariesY": [0.3, 0.7, 0.1],
        "MasteringDisplayWhitePointX": 0.3127,
        "MasteringDisplayWhitePointY": 0.329,
    }
    assert hdr10_parameters("libx265", props) == []
    assert hdr10_notes("libx265", props) == [
        "HDR10 metadata of the mastering display is left out, since it is incomplete"
    ]


def test_light_levels_are_kept_without_the_display() -> None:
    props = {
        "MasteringDisplayMinLuminance": 0.0001,
        "MasteringDisplayMaxLuminance": 1000,
        "ContentLightLevelMax": 1000,
        "ContentLightLevelAverage": 400,
    }
    assert hdr10_parameters("libx265", props) == ["max-cll=1000,400"]
    assert hdr10_notes("libx265", props) == [
        "HDR10 metadata of the mastering display is left out, since it is incomplete"
    ]
