"""What belongs to a film's picture and its tracks, from the source's file into the output's."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests.encode_support import FAST, double, upscale
from tests.media import H264, codecs, ffmpeg, pattern, video, with_sound
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import plan_encode
from vs_espcn.encoding.ffmpeg import find_ffmpeg, probe
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.segments import encode_in_segments
from vs_espcn.encoding.source import open_source
from vs_espcn.encoding.timecode import advanced
from vs_espcn.encoding.trim import trim

RAMP = "geq=lum='p(X\\,Y)':cb='p(X\\,Y)':cr='p(X\\,Y)':a='X*255/W'"
CHAPTERS = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n"


def test_samples_turn_with_their_picture(tmp_path: Path) -> None:
    ffmpeg(*pattern(), "-vf", "setsar=4/3", *H264, tmp_path / "s.mp4")
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "s.mp4", "-c", "copy", tmp_path / "in.mp4")
    clip = open_source(tmp_path / "in.mp4").clip
    props = clip.get_frame(0).props
    assert (clip.width, clip.height) == (48, 64)
    assert (props["_SARNum"], props["_SARDen"]) == (3, 4)


def test_the_timecode_of_a_part_is_its_first_frames(tmp_path: Path) -> None:
    source = open_source(video(tmp_path / "in.mov", "-timecode", "01:00:00:00"))
    part = trim(source, range(5, 10))
    job = plan_encode(
        double(part.clip), check_output(part.path, tmp_path / "out.mov"), part, ffmpeg_args=FAST
    )
    encode(job)
    assert probe(find_ffmpeg(), tmp_path / "out.mov", 0).timecode == "01:00:00:05"


@pytest.mark.parametrize(
    ("timecode", "frames", "rate", "later"),
    [
        ("01:00:00:00", 1528, Fraction(25), "01:01:01:03"),
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:00;00", 107892, Fraction(30000, 1001), "01:00:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("23:59:59:23", 1, Fraction(24000, 1001), "00:00:00:00"),
    ],
)
def test_timecodes_advance(timecode: str, frames: int, rate: Fraction, later: str) -> None:
    assert advanced(timecode, frames, rate) == later


def test_a_timecode_that_drops_counts_every_frame() -> None:
    """Against counting one by one: all but every tenth minute begin with frame 2."""
    numbers = [
        f"{minute // 60:02d}:{minute % 60:02d}:{second:02d};{frame:02d}"
        for minute in range(70)
        for second in range(60)
        for frame in range(2 if minute % 10 and not second else 0, 30)
    ]
    rate = Fraction(30000, 1001)
    assert [advanced(numbers[0], number, rate) for number in range(len(numbers))] == numbers


def test_a_title_is_kept_as_it_is_and_figures_of_the_source_are_not(tmp_path: Path) -> None:
    title = "a=b;c#d\\e\nStream #0:0: Audio: none"
    tags = ("-metadata:s:v:0", f"title={title}", "-metadata:s:v:0", "BPS-eng=123")
    film = video(tmp_path / "in.mkv", *tags)
    upscale(film, tmp_path / "out.mkv", *FAST)
    found = probe(find_ffmpeg(), tmp_path / "out.mkv", 0).tags
    assert found["title"] == title
    assert not any(name.upper().startswith("BPS") for name in found)


@pytest.mark.parametrize("mode", ["left_right", "right_left", "top_bottom"])
@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_3d_stays_3d(tmp_path: Path, mode: str, suffix: str) -> None:
    film = video(tmp_path / "in.mkv", "-metadata:s:v:0", f"stereo_mode={mode}")
    assert upscale(film, tmp_path / f"out{suffix}") == []
    assert probe(find_ffmpeg(), tmp_path / f"out{suffix}", 0).streams[0].tag("stereo_mode") == mode


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_3d_is_said_in_the_video_where_the_container_has_no_word_for_it(tmp_path: Path, suffix: str) -> None:
    film = video(tmp_path / "in.mkv", "-metadata:s:v:0", "stereo_mode=left_right")
    assert upscale(film, tmp_path / f"out{suffix}", "-c:v", "libx264") == []
    # And back, from the frames alone.
    assert upscale(tmp_path / f"out{suffix}", tmp_path / "back.mkv", *FAST) == []
    assert probe(find_ffmpeg(), tmp_path / "back.mkv", 0).streams[0].tag("stereo_mode") == "left_right"
    [note] = upscale(film, tmp_path / f"x265{suffix}", "-c:v", "libx265", *FAST)
    assert note.startswith("the mark that the video is 3D (left_right) is left out")


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32:d=0.04", "-frames:v", "1", tmp_path / "cover.png")
    return tmp_path / "cover.png"


def film_with_cover(path: Path, cover: Path) -> Path:
    film = with_sound(path.with_name("film.mkv"))
    if path.suffix == ".mkv":
        ffmpeg("-i", film, "-attach", cover, "-metadata:s:t", "mimetype=image/png", "-c", "copy", path)
    else:
        both = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic")
        ffmpeg("-i", film, "-i", cover, *both, path)
    return path


@pytest.mark.parametrize("source", [".mkv", ".mp4"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("in_segments", [False, True])
def test_covers_are_kept(tmp_path: Path, cover: Path, source: str, suffix: str, in_segments: bool) -> None:
    film, output = film_with_cover(tmp_path / f"in{source}", cover), tmp_path / f"out{suffix}"
    opened = open_source(film)
    # Options that would be for every video stream are for the film's alone.
    args = ("-c:v", "libx264", *FAST, "-vf", "hue=s=0", "-pix_fmt", "yuv420p")
    job = plan_encode(double(opened.clip), check_output(film, output), opened, ffmpeg_args=args)
    assert job.notes == ()
    if in_segments:
        encode_in_segments(job, settings={}, length=6)
    else:
        encode(job)
    assert codecs(output) == ["h264", "aac", "png"]
    picture = open_source(output).others[1]
    assert picture.cover
    taken = ffmpeg("-i", output, "-map", "0:2", "-c", "copy", "-f", "image2pipe", "-")
    assert taken == cover.read_bytes()


@pytest.mark.parametrize("suffix", [".mov", ".webm", ".ts"])
def test_a_cover_that_cannot_be_kept_gets_a_true_note(tmp_path: Path, cover: Path, suffix: str) -> None:
    notes = upscale(film_with_cover(tmp_path / "in.mkv", cover), tmp_path / f"out{suffix}")
    assert f"video track 2 (png) is left out, since {suffix} cannot hold this cover" in notes


@pytest.mark.parametrize(
    ("suffix", "notes"),
    [(".mkv", []), (".mp4", []), (".ts", ["chapters are left out, since .ts cannot hold them"])],
)
def test_a_chapter_track_is_no_loss_where_chapters_are_kept(
    tmp_path: Path, suffix: str, notes: list[str]
) -> None:
    (tmp_path / "c.txt").write_text(CHAPTERS)
    film = video(tmp_path / "in.mp4")
    chaptered = tmp_path / "chapters.mp4"
    ffmpeg("-i", film, "-i", tmp_path / "c.txt", "-map", "0:v", "-map_chapters", "1", "-c", "copy", chaptered)
    assert codecs(chaptered) == ["h264", "bin_data"]
    assert upscale(chaptered, tmp_path / f"out{suffix}", *FAST) == notes
    assert probe(find_ffmpeg(), tmp_path / f"out{suffix}", 0).chapters is (not notes)


def alpha_film(path: Path, pixel_format: str, *encoder: str) -> Path:
    """A film whose alpha rises from left to right."""
    ffmpeg(*pattern(4), "-vf", f"format={pixel_format},{RAMP}", *encoder, path)
    return path


def alpha_of(path: Path, decoder: tuple[str, ...] = ()) -> np.ndarray:
    """Means of eight columns of the first frame's alpha."""
    shown = ("-vf", "alphaextract,scale=8:1:flags=area,format=gray", "-frames:v", "1", "-f", "rawvideo", "-")
    return np.frombuffer(ffmpeg(*decoder, "-i", path, *shown), np.uint8)


VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "2M")
LIBVPX = ("-c:v", "libvpx-vp9")
EXPECTED_ALPHA = pytest.approx(np.arange(16, 256, 32), abs=3)


@pytest.mark.parametrize(
    ("name", "pixel_format", "encoder"),
    [
        ("in.mov", "yuva444p10le", ("-c:v", "prores_ks", "-profile:v", "4444")),
        ("in.mkv", "yuva422p", ("-c:v", "ffv1")),
        ("in.webm", "yuva420p", VP9),
    ],
)
@pytest.mark.parametrize(
    ("suffix", "args", "decoder"),
    [
        (".mov", ("-c:v", "prores_ks"), ()),
        (".mkv", ("-c:v", "ffv1"), ()),
        (".webm", VP9, LIBVPX),
    ],
)
@pytest.mark.parametrize("in_segments", [False, True])
def test_alpha_is_kept_where_the_encoder_takes_it(
    tmp_path: Path,
    name: str,
    pixel_format: str,
    encoder: tuple[str, ...],
    suffix: str,
    args: tuple[str, ...],
    decoder: tuple[str, ...],
    in_segments: bool,
) -> None:
    pixel = pixel_format.replace("10le", "")
    film = alpha_film(tmp_path / name, pixel, *encoder)
    source, output = open_source(film), tmp_path / f"out{suffix}"
    clip = vs.core.std.ClipToProp(double(source.clip), double(vs.core.std.PropToClip(source.clip)))
    job = plan_encode(clip, check_output(film, output), source, ffmpeg_args=args)
    if in_segments:
        encode_in_segments(job, settings={}, length=2)
    else:
        encode(job)
    assert alpha_of(output, decoder) == EXPECTED_ALPHA
    assert probe(find_ffmpeg(), output, 0).streams[0].language in {None, "und"}


def test_ffmpegs_frames_can_be_asked_for_in_any_order(tmp_path: Path) -> None:
    film = tmp_path / "in.mkv"
    odd = ("-vf", "scale=65:49,format=yuv420p", "-c:v", "ffv1")
    ffmpeg(*pattern(200), *odd, film)
    clip = open_source(film).clip
    assert (clip.width, clip.height) == (66, 50)
    raw = ffmpeg("-i", film, "-f", "rawvideo", "-")
    size = 65 * 49 + 2 * 33 * 25
    for number in (150, 3, 199, 0, 100):
        luma = np.asarray(clip.get_frame(number)[0])
        expected = np.frombuffer(raw, np.uint8, 65 * 49, number * size).reshape(49, 65)
        assert np.array_equal(luma[:49, :65], expected)
        assert np.array_equal(luma[:49, 65], expected[:, 64])
