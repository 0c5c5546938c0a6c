import logging
import os
from pathlib import Path

import numpy as np
import pytest

from tests.media import ffmpeg, pattern, video
from vs_espcn.errors import InputError
from vs_espcn.training.data import compression
from vs_espcn.training.data.compression import VIDEO
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit
from vs_espcn.training.data.film import Film, find_clips, halved, read_frames
from vs_espcn.training.metrics import psnr


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return video(tmp_path / "clip.mp4", "-crf", "4", frames=20, size="192x160")


def test_clips_are_found_in_folders_inside(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    for name in ("b.mp4", "a.MKV", "inside/c.webm", "d.png"):
        (tmp_path / name).touch()
    assert [path.name for path in find_clips([tmp_path])] == ["a.MKV", "b.mp4", "c.webm"]


def test_pairs_lie_on_one_another_and_come_from_all_over_the_clip(clip: Path, tmp_path: Path) -> None:
    (pairs,) = Film(VIDEO, tmp_path / "kept").pairs_of([clip], 2, 32).values()
    assert len(pairs) >= 16
    for high, low in pairs:
        assert high.shape == (80, 96)
        assert low.shape == (40, 48)
        assert psnr(round_to_8_bit(enlarge(low / 255, 2)), high) > 14
    assert len({high.tobytes() for high, _ in pairs}) > 4


def test_what_encoders_made_is_kept(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = Film(VIDEO, tmp_path / "kept")
    (first,) = film.pairs_of([clip], 2, 32).values()
    monkeypatch.setattr(compression, "through_encoder", None)  # would fail if it were called
    (again,) = film.pairs_of([clip], 2, 32).values()
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])


def test_bad_clips_are_skipped_with_a_line_and_counted(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(clip.read_bytes()[:200])
    short = video(tmp_path / "short.mp4", frames=2, size="192x160")
    small = video(tmp_path / "small.mp4", frames=8, size="64x48")
    with caplog.at_level(logging.INFO):
        made = Film(VIDEO, tmp_path / "kept").pairs_of([clip, torn, short, small], 2, 64)
    assert list(made) == [clip]
    assert f"skipped: {torn} has no video that can be decoded; leave it out" in caplog.text
    assert f"skipped: {short} has fewer than 4 frames that can be decoded; leave it out" in caplog.text
    assert f"skipped: {small} is 32x24 at half its size; 64 are needed" in caplog.text
    assert "1 clips read, 3 skipped" in caplog.text


def test_frames_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    ffmpeg(*pattern(6, "80x60"), "-pix_fmt", "yuv420p", "-c:v", "ffv1", path)
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
    planes = np.frombuffer(raw, np.uint8).reshape(6, -1)[:, : 80 * 60].reshape(6, 60, 80)
    assert np.array_equal(read_frames(path, 0.0, 12), planes)
    assert np.array_equal(read_frames(path, 0.0, 2), planes[:2])
    with pytest.raises(InputError, match="cannot be decoded"):
        read_frames(tmp_path / "absent.mkv", 0.0, 2)


def test_full_range_and_odd_sides_come_as_limited_range_and_even(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=white:s=83x61:d=0.2", "-pix_fmt", "yuvj420p", "-c:v", "ffv1", path)
    frame = read_frames(path, 0.0, 1)[0]
    assert frame.shape == (60, 82)
    assert abs(int(frame.max()) - 235) <= 1


def test_half_the_size_is_cut_to_whole_units() -> None:
    assert halved(np.zeros((123, 141), np.uint8), 6).shape == (60, 66)


def test_a_playlist_among_clips_is_skipped(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listed = tmp_path / "list.mp4"
    listed.write_text(f"ffconcat version 1.0\nfile {clip.name}\n")
    assert Film(VIDEO, tmp_path / "kept").pairs_of([listed], 2, 64) == {}
    assert f"skipped: {listed} is a playlist: it names other files; give those" in caplog.text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_fifo_among_clips_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert Film(VIDEO, tmp_path / "kept").pairs_of([tmp_path / "pipe.mp4"], 2, 64) == {}
    assert "pipe.mp4 is not a regular file; leave it out" in caplog.text
