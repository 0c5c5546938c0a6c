import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from tests.encode_support import FAST, double, upscale
from tests.media import (
    FFMPEG,
    H264,
    codecs,
    decode,
    ffmetadata,
    ffmpeg,
    packets,
    pattern,
    raw_planes,
    tone,
    video,
    with_sound,
)

SUBTITLE = "1\n00:00:00,040 --> 00:00:00,240\nHello\n"
CHAPTERS = """;FFMETADATA1
title=A film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=200
title=One
[CHAPTER]
TIMEBASE=1/1000
START=200
END=400
title=Two
"""


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A film with two sounds, two kinds of subtitles, chapters, an attached file and tags."""
    subtitle, chapters, font = tmp_path / "s.srt", tmp_path / "c.txt", tmp_path / "font.ttf"
    subtitle.write_text(SUBTITLE)
    chapters.write_text(CHAPTERS)
    font.write_bytes(b"not a font")
    inputs = (*pattern(), *tone(), "-i", subtitle, "-i", chapters)
    maps = ("-map", "0", "-map", "1", "-map", "1", "-map", "2", "-map", "2", "-map_metadata", "3")
    # Codecs without priming, so that everything starts at zero.
    streams = ("-c:a:0", "flac", "-c:a:1", "pcm_s16le", "-c:s:0", "subrip", "-c:s:1", "ass")
    tags = ("-metadata:s:v:0", "language=fra", "-metadata:s:a:1", "language=jpn", "-attach", font)
    path = tmp_path / "in" / "rich.mkv"
    path.parent.mkdir()
    ffmpeg(
        *inputs,
        *maps,
        *H264,
        *streams,
        *tags,
        "-metadata:s:t:0",
        "mimetype=application/x-truetype-font",
        path,
    )
    return path


@pytest.mark.parametrize(
    ("suffix", "expected", "converted"),
    [
        (".mkv", ["h264", "flac", "pcm_s16le", "subrip", "ass", "ttf"], 0),
        (".mp4", ["h264", "flac", "aac", "mov_text", "mov_text"], 4),
        (".mov", ["h264", "aac", "pcm_s16le", "mov_text", "mov_text"], 4),
        (".webm", ["vp9", "opus", "opus", "webvtt", "webvtt"], 5),
        (".ts", ["h264", "aac", "aac"], 6),
    ],
)
def test_everything_but_the_video_comes_from_the_source(
    rich: Path, tmp_path: Path, suffix: str, expected: list[str], converted: int
) -> None:
    output = tmp_path / f"out{suffix}"
    notes = upscale(rich, output)
    # MP4 keeps its chapters' titles as one more track.
    assert [codec for codec in codecs(output) if codec != "bin_data"] == expected
    assert len(notes) == converted
    clip = decode(output)
    assert (clip.width, clip.height, clip.num_frames) == (128, 96, 10)
    if suffix != ".ts":
        tags = ffmetadata(output)
        assert "title=A film" in tags
        assert "title=One" in tags
        starts = re.findall(r"TIMEBASE=(\d+)/(\d+)\nSTART=(\d+)", tags)  # in a unit of ffmpeg's choice
        assert [Fraction(int(start) * int(num), int(den)) for num, den, start in starts] == [
            0,
            Fraction(1, 5),
        ]
    described = subprocess.run([FFMPEG, "-i", output], capture_output=True, text=True, check=False).stderr
    assert "(fra): Video" in described or suffix == ".ts"
    assert "(jpn): Audio" in described


def test_the_frames_in_the_file_are_the_clips(tmp_path: Path) -> None:
    source, output = video(tmp_path / "in.mp4"), tmp_path / "out.mkv"
    clip = noise_clip(vs.YUV422P8, 102, 66, 7)
    upscale(source, output, "-c:v", "ffv1", process=lambda _: vs.core.std.AssumeFPS(clip, fpsnum=25))
    assert codecs(output) == ["ffv1"]
    assert raw_planes(decode(output)) == raw_planes(clip)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("delay", ["0", "0.7"])
def test_a_variable_frame_rate_is_kept(tmp_path: Path, suffix: str, delay: str) -> None:
    """Every frame is shown when it was, and the sound stays in step."""
    source, output = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    uneven = f"setpts='({delay}+if(lt(N,15),N*0.04,0.6+(N-15)*0.06+0.01*mod(N,3)))/TB'"
    ffmpeg(
        *pattern(30), *tone(2), *H264, *("-bf", "0", "-c:a", "flac", "-vf", uneven),
        *("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000", source),
    )  # fmt: skip
    before = packets(source)
    upscale(source, output, *FAST)
    after = packets(output)
    assert decode(output).width == 128
    origin = min(time for stream in before.values() for time, _ in stream)
    times_before = sorted(time - origin for time, _ in before[0])
    times_after = sorted(time for time, _ in after[0])
    assert len(times_after) == 30
    assert times_after == pytest.approx(times_before, abs=0.0011)
    assert [(float(time - origin), data) for time, data in before[1]] == [
        (pytest.approx(float(time), abs=0.0011), data) for time, data in after[1]
    ]


def test_a_delay_of_no_whole_frames_is_rounded_up_and_the_sound_moves_with_it(tmp_path: Path) -> None:
    """Rounded down, the sound would begin before 0."""
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    late = ("-vf", "settb=1/1000,setpts=PTS+50", "-fps_mode", "passthrough", "-enc_time_base:v", "1:1000")
    ffmpeg(*pattern(10), *tone(), *H264, *late, "-bf", "0", "-c:a", "flac", source)
    before = packets(source)
    assert (before[0][0][0], before[1][0][0]) == (Fraction(5, 100), 0)
    upscale(source, output, *FAST)
    after = packets(output)
    assert (after[0][0][0], after[1][0][0]) == (Fraction(8, 100), Fraction(3, 100))
    assert [data for _, data in after[1]] == [data for _, data in before[1]]


@pytest.mark.parametrize("video_format", [vs.YUV420P8, vs.YUV422P8, vs.YUV444P8, vs.YUV420P10])
def test_x264_keeps_the_format(tmp_path: Path, video_format: vs.PresetVideoFormat) -> None:
    source, output = video(tmp_path / "in.mp4"), tmp_path / "out.mkv"
    upscale(source, output, *FAST, process=lambda clip: vs.core.resize.Point(clip, format=video_format))
    assert decode(output).format.id == video_format


@pytest.mark.parametrize("range_", [vs.RANGE_LIMITED, vs.RANGE_FULL])
def test_gray_keeps_its_codes(tmp_path: Path, range_: int) -> None:
    source, output = video(tmp_path / "in.mp4"), tmp_path / "out.mkv"
    clip = noise_clip(vs.GRAY8, 64, 48, 3, _Range=range_)
    upscale(source, output, "-crf", "0", process=lambda _: vs.core.std.AssumeFPS(clip, fpsnum=25))
    assert raw_planes(vs.core.std.ShufflePlanes(decode(output), 0, vs.GRAY)) == raw_planes(clip)


LATE_VIDEO = ("-itsoffset", "0.497", *pattern(25), *tone(1))
LATE_SOUND = (*pattern(25), "-itsoffset", "0.333", *tone(1))


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("even.mp4", (*pattern(25), *tone(1))),
        ("even.ts", (*pattern(25), *tone(1))),
        ("late_video.mp4", LATE_VIDEO),
        ("late_video.mkv", LATE_VIDEO),
        ("late_video.ts", LATE_VIDEO),
        ("late_sound.mp4", LATE_SOUND),
        ("late_sound.mkv", LATE_SOUND),
    ],
)
def test_sound_stays_in_step(tmp_path: Path, name: str, inputs: tuple[str, ...], output: str) -> None:
    source = tmp_path / name
    ffmpeg(*inputs, *H264, "-c:a", "aac", source)
    upscale(source, tmp_path / output, *FAST)
    before, after = packets(source), packets(tmp_path / output)
    assert len(before[0]) == len(after[0]) == 25
    assert len(before[1]) == len(after[1])
    video_before, video_after = min(before[0])[0], min(after[0])[0]
    for (time_before, _), (time_after, _) in zip(before[1], after[1], strict=True):
        lag = (time_after - video_after) - (time_before - video_before)
        assert abs(lag) < 0.0011  # the clock of Matroska ticks in milliseconds


def test_copied_sound_is_the_same_bytes(tmp_path: Path) -> None:
    source, output = with_sound(tmp_path / "in.mp4"), tmp_path / "out.mkv"
    upscale(source, output, *FAST)
    assert [data for _, data in packets(source)[1]] == [data for _, data in packets(output)[1]]


def test_subtitles_stay_in_step(rich: Path, tmp_path: Path) -> None:
    upscale(rich, tmp_path / "out.mp4", *FAST)
    text = ffmpeg("-i", tmp_path / "out.mp4", "-map", "0:s:0", "-f", "srt", "-").decode()
    assert "00:00:00,040 --> 00:00:00,240" in text


COLOURS = {"_Matrix": 9, "_Transfer": 16, "_Primaries": 9, "_Range": 0, "_ChromaLocation": 2}


@pytest.mark.parametrize(
    ("suffix", "props"),
    [
        (".mp4", COLOURS),
        (".mkv", COLOURS),
        (".mp4", {"_Matrix": 6, "_Transfer": 6, "_Primaries": 6, "_Range": 1, "_ChromaLocation": 1}),
        (".mkv", {"_Matrix": 1, "_Transfer": 13, "_Primaries": 1, "_Range": 0, "_ChromaLocation": 3}),
        (".mp4", {"_SARNum": 32, "_SARDen": 27}),
        (".mkv", {"_SARNum": 64, "_SARDen": 45}),
    ],
)
def test_the_first_frames_properties_become_tags(tmp_path: Path, suffix: str, props: dict[str, int]) -> None:
    source, output = video(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    upscale(source, output, *FAST, process=lambda clip: vs.core.std.SetFrameProps(clip, **props))
    written = decode(output).get_frame(0).props
    assert {name: written.get(name) for name in props} == props


def test_unknown_colours_stay_unknown(tmp_path: Path) -> None:
    source, output = video(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    upscale(source, output, *FAST)
    written = decode(output).get_frame(0).props
    assert (written["_Matrix"], written["_Transfer"], written["_Primaries"]) == (2, 2, 2)
    assert "_Range" not in written


@pytest.mark.parametrize("turn", ["90", "180", "270"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_picture_that_was_turned_is_turned_alike(tmp_path: Path, suffix: str, turn: str) -> None:
    plain, source, output = tmp_path / "plain.mp4", tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    video(plain, "-vf", "format=gray,drawbox=0:0:32:24:white:fill,drawbox=32:24:32:24:black:fill", frames=1)
    ffmpeg("-display_rotation", turn, "-i", plain, "-c", "copy", source)
    upscale(source, output)
    expected = double(decode(source, upright=True))
    got = decode(output, upright=True)
    assert (got.width, got.height) == (expected.width, expected.height)
    difference = vs.core.std.PlaneStats(expected, got).get_frame(0).props["PlaneStatsDiff"]
    assert difference < 0.02


def test_users_encoder_replaces_the_default(tmp_path: Path) -> None:
    source = video(tmp_path / "in.mp4")
    upscale(source, tmp_path / "out.mkv", "-c:v", "mpeg4", "-q:v", "5")
    assert codecs(tmp_path / "out.mkv") == ["mpeg4"]


def test_users_options_win_over_the_defaults(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mp4", size="256x192")
    upscale(source, tmp_path / "fine.mkv", "-c:a", "flac")
    upscale(source, tmp_path / "coarse.mkv", "-crf", "45", "-c:a", "flac")
    assert (tmp_path / "coarse.mkv").stat().st_size < (tmp_path / "fine.mkv").stat().st_size
    assert codecs(tmp_path / "coarse.mkv") == ["h264", "flac"]


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    upscale(with_sound(tmp_path / "in.mp4"), tmp_path / "out.mkv", *FAST, "-an")
    assert codecs(tmp_path / "out.mkv") == ["h264"]


@pytest.mark.parametrize(
    "name",
    ["-dash.mkv", "two words.mp4", 'it\'s "so".mkv', "a:b.mkv", "100%d.mp4", "new\nline.mkv", "né 日本.mp4"],
)
def test_any_name_can_be_written(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    with_sound(tmp_path / "in" / "film.mkv").rename(tmp_path / "in" / name)
    monkeypatch.chdir(tmp_path)
    upscale(Path("in") / name, Path(name), *FAST)
    assert len(packets(tmp_path / name)[1]) == len(packets(tmp_path / "in" / name)[1])


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    upscale(video(tmp_path / "in.mp4"), tmp_path / "out.mp4", *FAST)
    assert (tmp_path / "out.mp4").stat().st_mode == other.stat().st_mode


def test_overwrite_replaces_the_file_that_a_link_names(tmp_path: Path) -> None:
    target, link = tmp_path / "target.mp4", tmp_path / "link.mp4"
    target.write_text("old")
    link.symlink_to(target)
    upscale(video(tmp_path / "in.mp4"), link, *FAST, overwrite=True)
    assert link.is_symlink()
    assert decode(target).num_frames == 10
