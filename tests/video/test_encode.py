import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import vapoursynth as vs

from tests.clips import noise_clip
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
from vs_espcn.errors import EncodeError, InputError
from vs_espcn.video.encode import check_destination, encode
from vs_espcn.video.source import open_source

FAST = ("-preset", "ultrafast")
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

Process = Callable[[vs.VideoNode], vs.VideoNode]


def double(clip: vs.VideoNode) -> vs.VideoNode:
    return vs.core.resize.Point(clip, width=2 * clip.width, height=2 * clip.height)


def upscale(
    source: Path, output: Path, *args: str, process: Process = double, overwrite: bool = False
) -> list[str]:
    """Encode a processed source; return the notes."""
    destination = check_destination(source, output, overwrite=overwrite)
    opened = open_source(source, turn_upright=not destination.keeps_rotation)
    notes: list[str] = []
    encode(process(opened.clip), destination, opened, ffmpeg_args=args, on_note=notes.append)
    assert output.exists()
    return notes


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
        (".ts", ["h264", "aac", "aac"], 5),
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
        assert re.search(r"START=200(000000)?$", tags, re.MULTILINE)
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
    upscale(source, tmp_path / "fine.mkv")
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


# What must fail: always one error, and nothing left.


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return video(tmp_path / "in" / "film.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the output, in which nothing may be left."""
    path = tmp_path / "out"
    path.mkdir()
    yield path
    assert list(path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-nonsense", "1"), "Unrecognized option 'nonsense'"),
        (("-c:v", "nonsense"), "Unknown encoder 'nonsense'"),
        (("-vf", "nonsense"), "No such filter: 'nonsense'"),
        (("-preset", "nonsense"), "invalid preset 'nonsense'"),
        (("-c:v", "copy"), "Could not find tag for codec rawvideo"),
    ],
)
def test_ffmpegs_own_words_tell_what_is_wrong(
    source: Path, folder: Path, args: tuple[str, ...], words: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        upscale(source, folder / "out.mp4", *args)
    assert str(caught.value).startswith("ffmpeg failed (exit code ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_few_frames_are_an_error(source: Path, folder: Path) -> None:
    with pytest.raises(EncodeError, match="wrote 3 of 10 frames"):
        upscale(source, folder / "out.mp4", "-frames:v", "3")


def test_a_frame_that_cannot_be_made_is_an_error(source: Path, folder: Path) -> None:
    def broken(clip: vs.VideoNode) -> vs.VideoNode:
        def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            if n == 7:
                raise vs.Error("vs_espcn: frame 7: the device is gone")
            return f

        return vs.core.std.ModifyFrame(clip, clip, fail)

    with pytest.raises(EncodeError, match=r"^a frame could not be made: frame 7: the device is gone$"):
        upscale(source, folder / "out.mp4", process=broken)


def test_a_clip_that_y4m_cannot_carry_is_an_error(source: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="YUV444PS"):
        upscale(
            source, folder / "out.mp4", process=lambda clip: vs.core.resize.Point(clip, format=vs.YUV444PS)
        )


@pytest.fixture
def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of ffmpeg's encoding; it may use "$real" and "$@"."""

    def install(script: str) -> None:
        path = tmp_path / "fake-ffmpeg"
        encoding = f'case "$*" in *pipe:0*) {script} ;; *) exec "$real" "$@" ;; esac'
        path.write_text(f"#!/bin/sh\nreal={FFMPEG}\n{encoding}\n")
        path.chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))

    return install


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "head -c 9000 >/dev/null; echo boom >&2; exit 3",
            r"failed \(exit code 3\) after 0 of 10 frames: boom",
        ),
        (
            "head -c 9000 >/dev/null; kill -9 $$",
            r"failed \(signal 9\) after 0 of 10 frames: it gave no reason",
        ),
        ("exit 0", "wrote 0 of 10 frames"),
        ("cat >/dev/null; exit 0", "wrote 0 of 10 frames"),
        ("yes 'much ado' | head -n 100000 >&2; exit 5", r"\(exit code 5\).*: much ado$"),
        (
            "cat >/dev/null; echo frame=10; echo 'Error writing trailer: disk' >&2",
            "Error writing trailer: disk",
        ),
    ],
)
def test_an_ffmpeg_that_dies_is_an_error(
    source: Path, folder: Path, fake_ffmpeg: Callable[[str], None], script: str, words: str
) -> None:
    fake_ffmpeg(script)
    with pytest.raises(EncodeError, match=words):
        upscale(
            source, folder / "out.mp4", process=lambda clip: vs.core.resize.Point(clip, width=640, height=480)
        )


def test_an_ffmpeg_that_stalls_dies_with_us(
    source: Path, folder: Path, fake_ffmpeg: Callable[[str], None], tmp_path: Path
) -> None:
    fake_ffmpeg(f"echo $$ >{tmp_path}/pid; dd bs=1000 count=30 of=/dev/null; sleep 600")

    class Enough(BaseException):
        pass

    def stop(number: int) -> None:
        if number == 3:
            raise Enough

    destination, opened = check_destination(source, folder / "out.mp4"), open_source(source)
    with pytest.raises(Enough):
        encode(opened.clip, destination, opened, on_frame=stop)
    stalled = Path("/proc", (tmp_path / "pid").read_text().strip())
    assert not stalled.exists()


def test_an_ffmpeg_that_is_not_there_is_an_error(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nonexistent/ffmpeg")
    with pytest.raises(EncodeError, match="IMAGEIO_FFMPEG_EXE names '/nonexistent/ffmpeg'"):
        check_destination(source, folder / "out.mp4")


def test_no_ffmpeg_at_all_is_an_error(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError

    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    with pytest.raises(EncodeError, match=r"ffmpeg was not found.*install ffmpeg 5\.1 or newer"):
        check_destination(source, folder / "out.mp4")


def test_an_ffmpeg_that_is_too_old_is_an_error(
    source: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old-ffmpeg"
    old.write_text("#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu0 Copyright'\n")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    with pytest.raises(EncodeError, match=r"is ffmpeg 4\.4\.2; install 5\.1 or newer"):
        check_destination(source, folder / "out.mp4")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 100 kB; skips where none may be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", path],
            capture_output=True,
            text=True,
            check=False,
        )
        if os.geteuid() == 0
        else None
    )
    if mount is None or mount.returncode:
        pytest.skip(
            "a small disk cannot be mounted here" + (f": {mount.stderr.strip()}" if mount else ": not root")
        )
    yield path
    left = list(path.iterdir())
    subprocess.run(["umount", path], check=True)
    assert left == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_an_error(source: Path, small_disk: Path, suffix: str) -> None:
    def noisy(_: vs.VideoNode) -> vs.VideoNode:
        return vs.core.std.AssumeFPS(noise_clip(vs.YUV420P8, 320, 240, 10), fpsnum=25)

    with pytest.raises(EncodeError, match="No space left on device"):
        upscale(source, small_disk / f"out{suffix}", process=noisy)


def test_a_file_that_appears_meanwhile_is_not_replaced(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"

    def intrude(clip: vs.VideoNode) -> vs.VideoNode:
        output.write_text("someone else's")
        return clip

    with pytest.raises(
        EncodeError, match="appeared while it was being encoded; the finished video is"
    ) as caught:
        upscale(source, output, process=intrude)
    assert output.read_text() == "someone else's"
    finished = Path(str(caught.value).rsplit("'", 2)[1])
    assert decode(finished).num_frames == 10


REFUSALS: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "folder": (lambda _, folder: folder, "is a folder"),
    "same file": (lambda source, _: source, "is the same file as INPUT"),
    "link to the same file": (lambda source, _: linked(source), "is the same file as INPUT"),
    "exists": (lambda source, _: occupied(source), "exists; give another name, or --overwrite"),
    "device": (lambda *_: Path("/dev/null"), "is not a regular file"),
    "no such folder": (lambda _, folder: folder / "no" / "out.mp4", "cannot be written: No such file"),
    "suffix": (lambda _, folder: folder / "out.xyz", "has the suffix '.xyz'; choose one of"),
    "long name": (lambda _, folder: folder / ("x" * 300 + ".mp4"), "cannot be written: File name too long"),
}


def linked(source: Path) -> Path:
    link = source.with_name("link.mp4")
    link.symlink_to(source)
    return link


def occupied(source: Path) -> Path:
    path = source.with_name("occupied.mp4")
    path.write_text("here")
    return path


@pytest.mark.parametrize("case", REFUSALS)
def test_an_output_that_cannot_be_written_is_refused(source: Path, folder: Path, case: str) -> None:
    output, words = REFUSALS[case]
    with pytest.raises(InputError, match=words):
        check_destination(source, output(source, folder))


def test_a_folder_that_cannot_be_written_is_refused(source: Path, tmp_path: Path) -> None:
    folder: Any = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        folder = Path("/sys")  # where not even root may make a file
    with pytest.raises(InputError, match=r"cannot be written: (Permission denied|Read-only)"):
        check_destination(source, folder / "out.mp4")
