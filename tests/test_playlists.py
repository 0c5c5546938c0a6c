"""What ffmpeg would read other files for; each was seen to be opened by it, or to go out to the network."""

from pathlib import Path

import pytest

from vs_espcn.playlists import is_playlist, is_sequence_name

MPD = '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"></MPD>'


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile secret.mkv\n",
        "#EXTM3U\n#EXTINF:1.0,\nsecret.ts\n",
        "\ufeff#EXTM3U\n",
        MPD,
        "<!-- junk -->\n" * 3000 + MPD,
        "<CompositionPlaylist xmlns='http://www.smpte-ra.org/schemas/2067-3/2016'/>",
        "v=0\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "s=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_the_content_makes_a_playlist(tmp_path: Path, content: str) -> None:
    path = tmp_path / "film.mkv"
    path.write_text(content)
    assert is_playlist(path)


@pytest.mark.parametrize(
    "content", ["It only speaks of ffconcat version and #EXTM3U.\n", "\0\0\0\x20ftypisom\0 <MPD"]
)
def test_other_content_does_not(tmp_path: Path, content: str) -> None:
    path = tmp_path / "film.m3u8"
    path.write_text(content)
    assert not is_playlist(path)


@pytest.mark.parametrize("name", ["frame%d.png", "frame%03d.jpg", "frame%d.dpx", "frame%d", "a%d/frame.png"])
def test_a_name_that_stands_for_a_sequence(name: str) -> None:
    assert is_sequence_name(Path(name))


@pytest.mark.parametrize("name", ["100%d.mkv", "100%.png", "50% done.mp4"])
def test_a_name_that_stands_for_itself(name: str) -> None:
    assert not is_sequence_name(Path(name))
