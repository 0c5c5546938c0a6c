from pathlib import Path

import pytest
import vapoursynth as vs

from tests.encode_support import FAST, upscale
from tests.media import FFMPEG, codecs, decode, ffmpeg, pattern, video
from vs_espcn.encoding.containers import CONTAINERS
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import plan_encode
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.presets import PRESETS, default_args, preset_args
from vs_espcn.encoding.source import open_source
from vs_espcn.errors import InputError

CODECS = {"x264": "h264", "x265": "hevc", "svtav1": "av1", "prores": "prores", "ffv1": "ffv1"}


@pytest.mark.parametrize("name", PRESETS)
def test_the_encoder_knows_every_option(name: str) -> None:
    args = PRESETS[name].args
    encoder = args[args.index("-c:v") + 1]
    known = ffmpeg("-h", f"encoder={encoder}").decode() + ffmpeg("-h", "full").decode()
    for option in args[::2]:
        assert f"\n  {option} " in known or option in ("-c:v", "-b:v", "-pix_fmt"), option


@pytest.mark.parametrize("name", CODECS)
def test_a_preset_encodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # Some systems' SVT-AV1 hangs on small pictures.
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", FFMPEG)
    source = video(tmp_path / "in.mp4", frames=3, size="128x96")
    for suffix in PRESETS[name].suffixes[:2]:
        output = tmp_path / f"out{suffix}"
        opened = open_source(source)
        encode(plan_encode(opened.clip, check_output(source, output), opened, preset=name))
        assert codecs(output) == [CODECS[name]]
        assert decode(output).num_frames == 3


def test_source_kind_is_lossless_and_prores_is_422_in_10_bits(tmp_path: Path) -> None:
    source = video(tmp_path / "in.mp4", frames=2)
    formats = {}
    for name, suffix in (("ffv1", ".mkv"), ("prores", ".mov")):
        output = tmp_path / f"{name}{suffix}"
        opened = open_source(source)
        encode(plan_encode(opened.clip, check_output(source, output), opened, preset=name))
        formats[name] = decode(output).format.id
    difference = vs.core.std.PlaneStats(decode(source), decode(tmp_path / "ffv1.mkv")).get_frame(1)
    assert difference.props["PlaneStatsDiff"] == 0
    assert formats == {"ffv1": vs.YUV420P8, "prores": vs.YUV422P10}


def test_a_container_that_does_not_hold_it_is_refused() -> None:
    with pytest.raises(InputError, match=r"'ffv1' does not go into \.mp4; give OUTPUT one of \.mkv, \.mov"):
        preset_args("ffv1", ".mp4")
    with pytest.raises(InputError, match="preset 'x266' is not known; choose one of x264, "):
        preset_args("x266", ".mp4")


def test_every_suffix_is_a_containers() -> None:
    assert {suffix for preset in PRESETS.values() for suffix in preset.suffixes} <= set(CONTAINERS)


def test_hevc_in_mp4_gets_the_tag_that_players_want() -> None:
    assert preset_args("x265", ".MP4")[-2:] == ("-tag:v", "hvc1")
    assert "-tag:v" not in preset_args("x265", ".mkv")


def test_a_preset_and_an_encoder_are_one_too_many(tmp_path: Path) -> None:
    source = video(tmp_path / "in.mp4", frames=1)
    opened = open_source(source)
    destination = check_output(source, tmp_path / "out.mkv")
    with pytest.raises(InputError, match="both preset 'x265' and the encoder 'mpeg4' are chosen"):
        plan_encode(opened.clip, destination, opened, preset="x265", ffmpeg_args=["-c:v", "mpeg4"])


@pytest.mark.parametrize(
    ("video", "props", "encoder", "pixels"),
    [
        (vs.YUV420P8, {}, "libx264", None),
        (vs.YUV420P10, {}, "libx265", "yuv420p10le"),
        (vs.YUV422P12, {}, "libx265", "yuv422p10le"),
        (vs.YUV444P16, {}, "libx265", "yuv444p10le"),
        (vs.GRAY16, {}, "libx265", "gray10le"),
        (vs.YUV420P8, {"_Transfer": vs.TRANSFER_ST2084}, "libx265", "yuv420p10le"),
        (vs.YUV420P8, {"_Transfer": vs.TRANSFER_ARIB_B67}, "libx265", "yuv420p10le"),
    ],
)
def test_more_than_8_bits_and_hdr_are_hevc_of_10_bits(
    video: vs.PresetVideoFormat, props: dict[str, int], encoder: str, pixels: str | None
) -> None:
    args = default_args(CONTAINERS[".mkv"].video, ".mkv", vs.core.get_video_format(video), props)
    assert args[args.index("-c:v") + 1] == encoder
    assert (args[args.index("-pix_fmt") + 1] if pixels else None) == pixels


def test_webm_keeps_its_encoder_at_any_depth() -> None:
    deep = vs.core.get_video_format(vs.YUV420P10)
    assert default_args(CONTAINERS[".webm"].video, ".webm", deep, {}) == CONTAINERS[".webm"].video


def test_hevc_in_mp4_has_the_tag_that_players_want() -> None:
    deep = vs.core.get_video_format(vs.YUV420P10)
    assert "hvc1" in default_args(CONTAINERS[".mp4"].video, ".mp4", deep, {})


def test_a_deep_clip_is_written_as_it_is_described(tmp_path: Path) -> None:
    source = tmp_path / "deep.mkv"
    ffmpeg(*pattern(3), "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", source)
    upscale(source, tmp_path / "out.mp4", *FAST)
    assert codecs(tmp_path / "out.mp4") == ["hevc"]
    assert decode(tmp_path / "out.mp4").format.id == vs.YUV420P10
