"""What ffmpeg would read other files for; each was seen to be opened by it, or to go out to the network."""

from pathlib import Path

import pytest

from vs_espcn.playlists import reference_kind

MPD = '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"></MPD>'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("ffconcat version 1.0\nfile secret.mkv\n", "a concat script"),
        ("#EXTM3U\n#EXTINF:1.0,\nsecret.ts\n", "an HLS playlist"),
        (MPD, "a DASH manifest"),
        ("<!-- junk -->\n" * 3000 + MPD, "a DASH manifest"),
        ("<CompositionPlaylist xmlns='http://www.smpte-ra.org/schemas/2067-3/2016'/>", "an IMF playlist"),
        ("v=0\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "an SDP session"),
        ("Not a playlist: it only speaks of ffconcat and #EXTM3U.\n", None),
        ("\0\0\0\x20ftypisom\0 <MPD", None),
    ],
)
def test_the_content_tells(tmp_path: Path, content: str, kind: str | None) -> None:
    path = tmp_path / "film.mkv"
    path.write_text(content)
    assert reference_kind(path) == kind


@pytest.mark.parametrize("name", ["frame%d.png", "frame%03d.jpg", "frame%d.dpx", "frame%d"])
def test_a_name_that_is_a_pattern(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\0")
    assert reference_kind(path) == "named like a pattern of an image sequence"


@pytest.mark.parametrize("name", ["100%d.mkv", "100%.png", "50% done.mp4"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\0")
    assert reference_kind(path) is None
