import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import vapoursynth as vs

from tests.media import H264, ffmpeg, packets, pattern, raw_planes, shared_video, tone, video, with_sound
from vs_espcn.cache_folder import cache_dir
from vs_espcn.encoding import bestsource
from vs_espcn.encoding.source import open_source
from vs_espcn.encoding.truncation import missing_bytes
from vs_espcn.errors import BackendError, InputError

WHOLE = {
    "tail.mp4": (),
    "front.mp4": ("-movflags", "+faststart"),
    "fragments.mp4": ("-movflags", "frag_keyframe+empty_moov"),
    "film.mov": (),
    "film.mkv": (),
    "live.mkv": ("-live", "1"),
    "film.avi": (),
    "film.ts": (),
}
ANNOUNCE_LENGTH = ("tail.mp4", "front.mp4", "film.mov", "film.mkv", "film.avi")


def cut(path: Path, share: float) -> Path:
    """Keep only the first part of a file."""
    os.truncate(path, int(path.stat().st_size * share))
    return path


def test_a_video_becomes_a_clip(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "film.mkv", frames=12)
    source = open_source(path)
    assert (source.clip.width, source.clip.height, source.clip.num_frames) == (64, 48, 12)
    assert source.clip.fps == 25
    assert (source.track.index, source.track.kind, source.track.codec) == (0, "video", "h264")
    assert [(track.index, track.kind, track.codec) for track in source.others] == [(1, "audio", "aac")]
    assert source.start == min(time for time, _ in packets(path)[0])
    assert source.times is None


def test_the_index_of_a_long_video_is_kept_in_the_cache_alone(tmp_path: Path) -> None:
    path = video(tmp_path / "film.mp4", frames=120)
    heard: list[int] = []
    first = open_source(path, on_index=heard.append)
    index = list(cache_dir().rglob("*.bsindex"))
    assert len(index) == 1
    assert heard
    again = open_source(path)
    assert raw_planes(again.clip[118:]) == raw_planes(first.clip[118:])
    assert list(tmp_path.iterdir()) == [path]


def test_a_changed_file_is_indexed_anew(tmp_path: Path) -> None:
    path = video(tmp_path / "film.mp4", frames=120)
    assert open_source(path).clip.num_frames == 120
    video(path, frames=110)
    assert open_source(path).clip.num_frames == 110


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = video(tmp_path / "film.mp4", frames=120)
    monkeypatch.setenv("VS_ESPCN_CACHE", str(path / "not a folder"))
    assert open_source(path).clip.num_frames == 120


def test_a_full_disk_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder in the place of the index is to BestSource what a full disk is: it cannot write it."""
    path = video(tmp_path / "film.mp4", frames=120)
    open_source(path)
    [index] = cache_dir().rglob("*.bsindex")
    index.unlink()
    index.mkdir()
    monkeypatch.setattr(bestsource, "_can_keep", lambda *_: True)
    assert open_source(path).clip.num_frames == 120
    assert "cannot keep an index in" in caplog.text


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "folder", "garbage", "another user's"])
def test_what_lies_in_the_place_of_an_index_is_not_used(tmp_path: Path, kind: str) -> None:
    path = video(tmp_path / "film.mp4", frames=120)
    open_source(path)
    [index] = cache_dir().rglob("*.bsindex")
    content = index.read_bytes()
    index.unlink()
    victim = tmp_path / "victim"
    match kind:
        case "link":
            victim.write_text("precious")
            index.symlink_to(victim)
        case "dangling link":
            index.symlink_to(victim)
        case "fifo":
            pytest.importorskip("fcntl", reason="needs FIFOs")
            os.mkfifo(index)
        case "folder":
            index.mkdir()
        case "garbage":
            index.write_bytes(content[:300])
        case _:
            if not hasattr(os, "geteuid") or os.geteuid() != 0:
                pytest.skip("needs root, to make another user's file")
            index.write_bytes(content)
            os.chown(index, 12345, -1)
    assert open_source(path).clip.num_frames == 120
    assert victim.exists() == (kind == "link")
    assert kind != "link" or victim.read_text() == "precious"
    assert kind == "folder" or index.read_bytes() == content
    assert kind == "folder" or index.lstat().st_uid == path.stat().st_uid


@pytest.mark.parametrize(
    "name",
    ["-dash.mkv", "two words.mkv", 'it\'s "so".mkv', "a:b.mkv", "100%d.mkv", "new\nline.mkv", "né 日本.mkv"],
)
def test_any_name_can_be_opened(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    video(tmp_path / "film.mkv", frames=3).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert open_source(Path(name)).clip.num_frames == 3


def test_a_name_that_is_not_utf8_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.mkv")
    video(tmp_path / "film.mkv", frames=3).rename(path)
    assert open_source(path).clip.num_frames == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"film\.mp4' does not exist"):
        open_source(tmp_path / "film.mp4")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        open_source(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        open_source(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = video(tmp_path / "film.mp4")
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        open_source(path)


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "notes.nfo"])
def test_text_is_not_video(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("Not a video at all.\n" * 200)
    with pytest.raises(InputError, match=r"cannot be opened as a video|has no video track, only text"):
        open_source(path)


LISTS = {
    "list.mkv": "ffconcat version 1.0\nfile 'other.mkv'\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nother.mkv\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_playlist_does_not_have_other_files_read(tmp_path: Path, name: str) -> None:
    video(tmp_path / "other.mkv")
    (tmp_path / name).write_text(LISTS[name])
    with pytest.raises(InputError, match="is a playlist: it names other files"):
        open_source(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize("name", LISTS)
def test_a_fifo_in_a_playlist_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "other.mkv")
    (tmp_path / name).write_text(LISTS[name])
    with pytest.raises(InputError, match="is a playlist: it names other files"):
        open_source(tmp_path / name)


def test_a_pattern_does_not_have_other_images_read(tmp_path: Path) -> None:
    for number in range(3):
        ffmpeg(*pattern(1), "-frames:v", "1", tmp_path / f"frame{number}.png")
    path = tmp_path / "frame%d.png"
    path.write_bytes((tmp_path / "frame0.png").read_bytes())
    with pytest.raises(InputError, match="is named like an image sequence"):
        open_source(path)
    assert open_source(tmp_path / "frame0.png").clip.num_frames == 1


def test_noise_is_not_video(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(bytes(range(256)) * 400)
    with pytest.raises(InputError, match="cannot be opened as a video"):
        open_source(path)


def test_a_container_without_frames_is_refused(tmp_path: Path) -> None:
    path = video(tmp_path / "film.mkv", "-frames:v", "0")
    with pytest.raises(InputError, match="cannot be opened as a video"):
        open_source(path)


def test_sound_alone_is_not_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    ffmpeg(*tone(), "-c:a", "aac", path)
    with pytest.raises(InputError, match="has no video track, only audio; give a video file"):
        open_source(path)


def test_a_cover_picture_is_not_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    cover = ("-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic", "-frames:v", "1")
    ffmpeg(*tone(), *pattern(1), *cover, "-c:a", "aac", path)
    with pytest.raises(InputError, match="only audio, cover picture"):
        open_source(path)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_lacks_nothing(tmp_path: Path, name: str) -> None:
    path = with_sound(tmp_path / name, *WHOLE[name])
    assert missing_bytes(path) == 0
    assert open_source(path).clip.num_frames == 10


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("name", ANNOUNCE_LENGTH)
def test_a_cut_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = cut(with_sound(tmp_path / name, *WHOLE[name], frames=25), share)
    with pytest.raises(InputError, match=r"is cut short: its header announces \d+ bytes more"):
        open_source(path)


def test_a_cut_stream_that_announces_no_length_ends_where_it_ends(tmp_path: Path) -> None:
    path = cut(video(tmp_path / "film.ts", frames=50), 0.5)
    assert 0 < open_source(path).clip.num_frames < 50


def test_bare_h264_has_no_timestamps(tmp_path: Path) -> None:
    source = open_source(video(tmp_path / "film.h264"))
    assert source.start is None
    assert source.clip.num_frames == 10


def test_a_variable_rate_gives_every_frame_its_time(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    slowed = "setpts='if(lt(N,20),N,20+(N-20)*3)/25/TB'"
    ffmpeg(*pattern(40), *H264, "-vf", slowed, "-fps_mode", "passthrough", path)
    source = open_source(path)
    assert source.clip.num_frames == 40
    assert list(source.times) == sorted(time for time, _ in packets(path)[0])
    assert source.start == source.times[0]


def test_one_longer_step_makes_a_rate_variable(tmp_path: Path) -> None:
    """35 ms among steps of 33.3, as phones write them."""
    path = tmp_path / "film.mp4"
    later = ("-vf", "settb=1/30000,setpts='(N/30+0.00167*gte(N,20))/TB'", "-enc_time_base", "1:30000")
    ffmpeg(*pattern(40), *H264, *later, "-fps_mode", "passthrough", "-video_track_timescale", "30000", path)
    source = open_source(path)
    assert list(source.times) == sorted(time for time, _ in packets(path)[0])
    assert max(b - a for a, b in pairwise(source.times)) == Fraction(35, 1000)


def test_a_rotation_tag_turns_the_picture_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    ffmpeg("-display_rotation", "90", "-i", video(tmp_path / "film.mp4"), "-c", "copy", path)
    upright = open_source(path).clip
    assert (upright.width, upright.height) == (48, 64)
    assert upright.get_frame(0).props["Rotation"] == 0
    tagged = open_source(path, turn_upright=False).clip
    assert (tagged.width, tagged.height) == (64, 48)
    assert tagged.get_frame(0).props["Rotation"] == 270


@pytest.mark.parametrize(
    ("name", "frames", "fps"),
    [
        ("natural_540p_flower.mp4", 150, Fraction(30000, 1001)),
        ("edge_480i_tff_pattern.mkv", 91, Fraction(30000, 1001)),
        ("natural_1080p60_mural.mp4", 77, Fraction(90000, 1501)),
    ],
)
def test_real_clips_have_all_their_frames(name: str, frames: int, fps: Fraction) -> None:
    source = open_source(shared_video(name))
    assert (source.clip.num_frames, source.clip.fps) == (frames, fps)
    assert isinstance(source.clip, vs.VideoNode)


def test_a_playlist_is_refused_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(InputError, match="is a playlist: it names other files"):
        open_source(path)


def test_without_the_plugin_that_opens_files_the_fix_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where memory is so limited that it cannot be loaded."""
    monkeypatch.setattr("vs_espcn.encoding.source.vs", SimpleNamespace(core=object(), Error=vs.Error))
    with pytest.raises(BackendError, match=r"could not load its plugin BestSource.*ulimit -v"):
        open_source(video(tmp_path / "film.mp4", frames=1))
