"""Interlaced frames in the middle of a film."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media import ffmpeg
from vs_espcn.encoding.interlacing import check_progressive, is_interlaced
from vs_espcn.encoding.source import open_source
from vs_espcn.errors import EncodeError, InputError

ENCODERS = {
    "h264.mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    "mpeg2.mkv": ("-c:v", "mpeg2video", "-q:v", "3"),
    "ffv1.mkv": ("-c:v", "ffv1"),
    "prores.mov": ("-c:v", "prores_ks"),
}


def mixed(folder: Path, name: str) -> Path:
    """Two seconds, of which the middle 0.4 are interlaced; joints of MPEG-2 lose a frame."""
    suffix = Path(name).suffix
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.8")
    fields = (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=64x48:r=25:d=0.4",
        "-vf",
        "setfield=tff",
        "-flags",
        "+ilme+ildct",
    )
    ffmpeg(*picture, *ENCODERS[name], folder / f"p{suffix}")
    ffmpeg(*fields, *ENCODERS[name], folder / f"i{suffix}")
    (folder / "list").write_text("".join(f"file {part}{suffix}\n" for part in "pip"))
    ffmpeg("-f", "concat", "-i", folder / "list", "-c", "copy", folder / name)
    return folder / name


@pytest.mark.parametrize("name", ENCODERS)
def test_the_times_of_the_stretch_are_said_before_encoding(tmp_path: Path, name: str) -> None:
    source = open_source(mixed(tmp_path, name))
    with pytest.raises(InputError, match=r"from 0:00:00\.800 to 0:00:01\.200; add --deinterlace field"):
        check_progressive(source, range(source.clip.num_frames))
    check_progressive(source, range(15))
    check_progressive(source, range(30, 45))
    with pytest.raises(InputError, match="is interlaced; add --deinterlace"):
        check_progressive(source, range(22, 25))
    assert is_interlaced(source)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_progressive_film_passes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", *ENCODERS[name], path)
    source = open_source(path)
    check_progressive(source, range(source.clip.num_frames))
    assert not is_interlaced(source)


def test_fields_are_found_after_the_film_changes_its_colours(tmp_path: Path) -> None:
    """There ffmpeg starts its filters anew, and their numbers with them."""
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
    coded = ("-c:v", "mpeg2video", "-q:v", "3", "-f", "mpegts")
    fields = ("-vf", "setfield=tff", "-flags", "+ilme+ildct")
    for name, tag, options in (("p", "bt709", ()), ("i", "smpte170m", fields)):
        ffmpeg(*picture, *options, "-colorspace", tag, "-color_trc", tag, *coded, tmp_path / f"{name}.ts")
    path = tmp_path / "joined.ts"
    path.write_bytes((tmp_path / "p.ts").read_bytes() + (tmp_path / "i.ts").read_bytes())
    source = open_source(path)
    assert is_interlaced(source)
    with pytest.raises(InputError, match="has interlaced frames from 0:00:0"):
        check_progressive(source, range(source.clip.num_frames))


def test_a_search_that_fails_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(mixed(tmp_path, "ffv1.mkv"))
    with monkeypatch.context() as failing:
        failing.setattr("vs_espcn.encoding.interlacing._decoded_flags", _failing)
        check_progressive(source, range(source.clip.num_frames))
    with pytest.raises(InputError, match="has interlaced frames"):
        check_progressive(source, range(source.clip.num_frames))


def _failing(_: object) -> Iterator[bool]:
    yield False
    raise EncodeError("ffmpeg ended with exit code 1")
