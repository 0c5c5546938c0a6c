from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media import H264, codecs, decode, ffmetadata, ffmpeg, packets, pattern, raw_planes, tone
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import plan_encode
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.source import open_source
from vs_espcn.encoding.trim import frames_between, parse_time, trim
from vs_espcn.errors import InputError

CHAPTERS = "".join(
    [";FFMETADATA1\n"]
    + [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={n * 400}\nEND={n * 400 + 400}\ntitle=C{n}\n" for n in range(5)]
)
SUBTITLES = "".join(
    f"{n + 1}\n00:00:0{n // 2},{500 * (n % 2) + 40:03} --> 00:00:0{n // 2},{500 * (n % 2) + 240:03}\nS{n}\n\n"
    for n in range(4)
)


@given(
    hours=st.integers(0, 99), minutes=st.integers(0, 59), millis=st.integers(0, 59_999)
)  # what ffmpeg writes
def test_times_are_read_as_written(hours: int, minutes: int, millis: int) -> None:
    seconds = Fraction(millis, 1000)
    text = f"{millis // 1000}.{millis % 1000:03}"
    assert parse_time(text) == seconds
    assert parse_time(f"{minutes}:{text}") == 60 * minutes + seconds
    assert parse_time(f"{hours}:{minutes:02}:{text}") == 3600 * hours + 60 * minutes + seconds


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "ten", "1e3", "0:0", "1.5:00", "nan"])
def test_other_texts_are_refused(text: str) -> None:
    if text == "0:0":
        assert parse_time(text) == 0
        return
    with pytest.raises(InputError, match="is not understood; write it as 90, 1:30"):
        parse_time(text)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 50 frames with sound, subtitles and chapters."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "c.txt").write_text(CHAPTERS)
    (folder / "s.srt").write_text(SUBTITLES)
    ffmpeg(
        *pattern(50), *tone(2), "-i", folder / "s.srt", "-i", folder / "c.txt", "-map_metadata", "3",
        *("-map", "0", "-map", "1", "-map", "1", "-map", "2"), *H264, "-g", "20",
        *("-c:a:0", "aac", "-c:a:1", "flac", folder / "film.mkv"),
    )  # fmt: skip
    return folder / "film.mkv"


def written(film: Path, output: Path, frames: range, *args: str) -> Path:
    source = trim(open_source(film), frames)
    encode(plan_encode(source.clip, check_output(film, output), source, ffmpeg_args=("-c:v", "ffv1", *args)))
    return output


@pytest.mark.parametrize(
    ("start", "end", "count", "expected"),
    [
        (None, None, None, range(50)),
        ("1", None, None, range(25, 50)),
        ("0.5", "1", None, range(13, 25)),
        ("0.52", "1.0001", None, range(13, 26)),
        ("1", None, 3, range(25, 28)),
        (None, "0.2", 10, range(5)),
        (None, "99", None, range(50)),
    ],
)
def test_frames_are_those_shown_in_the_time(
    film: Path, start: str | None, end: str | None, count: int | None, expected: range
) -> None:
    times = (parse_time(text) if text else None for text in (start, end))
    assert frames_between(open_source(film), *times, count) == expected


@pytest.mark.parametrize(("start", "end", "count"), [("2", None, None), ("1", "1", None), ("1", "0.5", None)])
def test_no_frames_are_an_error(film: Path, start: str, end: str | None, count: int | None) -> None:
    until = parse_time(end) if end else None
    with pytest.raises(InputError, match=r"there is no frame from .* the video has 50 frames in 2\.000 s"):
        frames_between(open_source(film), parse_time(start), until, count)


def test_zero_frames_are_an_error(film: Path) -> None:
    with pytest.raises(InputError, match="frames is 0; give 1 or more"):
        frames_between(open_source(film), None, None, 0)


@pytest.mark.parametrize("frames", [range(13, 38), range(18), range(33, 50)])
def test_all_streams_are_cut_alike(film: Path, tmp_path: Path, frames: range) -> None:
    output = written(film, tmp_path / "out.mkv", frames)
    clip = open_source(film).clip[frames.start : frames.stop]
    assert raw_planes(decode(output)) == raw_planes(clip)
    assert codecs(output) == ["ffv1", "aac", "flac", "ass"]
    begin, end = Fraction(frames.start, 25), Fraction(frames.stop, 25)
    before, after = packets(film), packets(output)
    # Sound that begins before the video keeps its lead.
    delay = min(after[0])[0]
    assert delay == 0 or frames.start == 0
    begin, end = begin + min(before[0])[0] - delay, end + min(before[0])[0]
    for sound in (1, 2):
        expected = [
            (time - begin, data)
            for time, data in before[sound]
            if time < end and (time >= begin or not frames.start)
        ]
        assert [data for _, data in after[sound]] == [data for _, data in expected]
        assert [float(time) for time, _ in after[sound]] == pytest.approx(
            [float(time) for time, _ in expected], abs=0.0011
        )
    text = ffmpeg("-i", output, "-map", "0:s:0", "-f", "srt", "-").decode()
    inside = [n for n in range(4) if begin <= Fraction(n, 2) + Fraction(1, 25) < end]
    assert [n for n in range(4) if f"S{n}\n" in text] == inside
    assert [n for n in range(5) if f"title=C{n}" in ffmetadata(output)] == [
        n for n in range(5) if n * Fraction(2, 5) < end and (n + 1) * Fraction(2, 5) > begin
    ]


def test_converted_sound_and_subtitles_are_cut_too(film: Path, tmp_path: Path) -> None:
    source = trim(open_source(film), range(13, 38))
    output = tmp_path / "out.mp4"
    args = ("-preset", "ultrafast", "-c:a:1", "alac")
    encode(plan_encode(source.clip, check_output(film, output), source, ffmpeg_args=args))
    sound = packets(output)[2]
    assert sound[0][0] == pytest.approx(0, abs=0.001)
    assert 0.9 < sound[-1][0] < 1
    text = ffmpeg("-i", output, "-map", "0:s:0", "-f", "srt", "-").decode()
    assert "S1\n" not in text.partition("S2\n")[2]
    assert "00:00:00,020 --> 00:00:00,220" in text
    assert "S3\n" not in text


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    film = tmp_path / "in.mkv"
    uneven = "setpts='if(lt(N,15),N*0.04,0.6+(N-15)*0.06+0.01*mod(N,3))/TB'"
    ffmpeg(
        *pattern(30), *tone(2), *H264, "-bf", "0", "-c:a", "flac", "-vf", uneven,
        *("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000", film),
    )  # fmt: skip
    before = sorted(packets(film)[0])
    opened = open_source(film)
    frames = frames_between(opened, Fraction(4, 10), Fraction(1), None)
    shown = [time - before[0][0] for time, _ in before]
    assert list(frames) == [n for n, time in enumerate(shown) if Fraction(4, 10) <= time < 1]
    after = sorted(packets(written(film, tmp_path / "out.mkv", frames))[0])
    expected = [time - before[frames.start][0] for time, _ in before[frames.start : frames.stop]]
    assert [time for time, _ in after] == pytest.approx(expected, abs=0.0011)


@pytest.mark.parametrize("text", ["9" * 5000, "1:" + "9" * 5000, "0." + "9" * 5000])
def test_thousands_of_digits_are_no_time(text: str) -> None:
    with pytest.raises(InputError, match="is not understood") as raised:
        parse_time(text)
    assert len(str(raised.value)) < 200
