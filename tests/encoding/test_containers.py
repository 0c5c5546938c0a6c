from pathlib import Path

import pytest

from vs_espcn.encoding.bestsource import Track
from vs_espcn.encoding.containers import CONTAINERS, container_of, map_streams
from vs_espcn.errors import InputError


def plan(suffix: str, *tracks: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    numbered = [Track(index=n, kind=kind, codec=codec) for n, (kind, codec) in enumerate(tracks, start=1)]
    planned = map_streams(CONTAINERS[suffix], suffix, numbered)
    assert planned.args[:2] == ("-map", "0:v:0")
    return " ".join(planned.args[2:]), planned.notes


@pytest.mark.parametrize(
    ("suffix", "kind", "codec"),
    [
        (".mp4", "audio", "aac"),
        (".mp4", "subtitle", "mov_text"),
        (".mov", "audio", "pcm_s24le"),
        (".mkv", "audio", "truehd"),
        (".mkv", "subtitle", "ass"),
        (".mkv", "subtitle", "hdmv_pgs_subtitle"),
        (".mkv", "attachment", "ttf"),
        (".webm", "audio", "opus"),
        (".webm", "subtitle", "webvtt"),
        (".ts", "audio", "ac3"),
    ],
)
def test_what_fits_is_copied(suffix: str, kind: str, codec: str) -> None:
    args, notes = plan(suffix, (kind, codec))
    letter = {"audio": "a", "subtitle": "s", "attachment": "t"}[kind]
    assert args == f"-map 1:1 -c:{letter}:0 copy"
    assert notes == ()


@pytest.mark.parametrize(
    ("suffix", "kind", "codec", "args", "encoder"),
    [
        (".mp4", "audio", "wmav2", "-map 1:1 -c:a:0 aac -b:a:0 256k", "aac"),
        (".mkv", "audio", "pcm_bluray", "-map 1:1 -c:a:0 flac", "flac"),
        (".webm", "audio", "aac", "-map 1:1 -c:a:0 libopus -b:a:0 192k", "libopus"),
        (".mp4", "subtitle", "ass", "-map 1:1 -c:s:0 mov_text", "mov_text"),
        (".mkv", "subtitle", "mov_text", "-map 1:1 -c:s:0 subrip", "subrip"),
        (".webm", "subtitle", "subrip", "-map 1:1 -c:s:0 webvtt", "webvtt"),
    ],
)
def test_what_does_not_fit_is_converted_with_a_note(
    suffix: str, kind: str, codec: str, args: str, encoder: str
) -> None:
    planned, notes = plan(suffix, (kind, codec))
    assert planned == args
    why = f"since {suffix} cannot hold it as it is"
    assert notes == (f"{kind} track 1 ({codec}) is re-encoded with {encoder}, {why}",)


@pytest.mark.parametrize(
    ("suffix", "kind", "codec", "why"),
    [
        (".mp4", "subtitle", "hdmv_pgs_subtitle", ".mp4 cannot hold it"),
        (".ts", "subtitle", "subrip", ".ts cannot hold it"),
        (".mp4", "attachment", "ttf", ".mp4 cannot hold it"),
        (".mkv", "data", "none", "data cannot be carried over"),
        (".mkv", "video", "mjpeg", "only the first video track is upscaled"),
    ],
)
def test_what_cannot_be_converted_is_left_out_with_the_reason(
    suffix: str, kind: str, codec: str, why: str
) -> None:
    planned, notes = plan(suffix, (kind, codec))
    assert planned == ""
    assert notes == (f"{kind} track 1 ({codec}) is left out, since {why}",)


def test_each_kind_is_counted_for_itself() -> None:
    args, _ = plan(
        ".mp4", ("audio", "aac"), ("subtitle", "dvd_subtitle"), ("subtitle", "ass"), ("audio", "ac3")
    )
    assert args == "-map 1:1 -c:a:0 copy -map 1:3 -c:s:0 mov_text -map 1:4 -c:a:1 copy"


def test_the_suffix_chooses_in_any_case() -> None:
    assert container_of(Path("A.MKV")) is CONTAINERS[".mkv"]


@pytest.mark.parametrize("name", ["film", "film.xyz", "film.mp4.txt"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match=r"suffix.*choose one of \.mp4, .*\.mkv"):
        container_of(Path(name))
