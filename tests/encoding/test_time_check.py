from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import FFMPEG, H264, ffmpeg, pattern, tone, video, with_sound
from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.time_check import check_times
from vs_espcn.errors import EncodeError

TOOL = Ffmpeg(path=FFMPEG, version=(9,))
EXPECTED = [Fraction(number, 25) for number in range(10)]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
def test_right_times_pass(tmp_path: Path, name: str) -> None:
    check_times(TOOL, with_sound(tmp_path / name), EXPECTED)


def test_b_frames_pass(tmp_path: Path) -> None:
    check_times(TOOL, video(tmp_path / "a.mp4", "-preset", "medium", "-bf", "3"), EXPECTED)


def test_missing_frames_are_seen(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="has 9 of 10 frames"):
        check_times(TOOL, video(tmp_path / "a.mkv", frames=9), EXPECTED)


def test_other_times_are_seen(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=r"frame 1 would be shown 0\.080 s after the first, not 0\.040 s"):
        check_times(TOOL, video(tmp_path / "a.mkv", "-vf", "setpts=2*PTS"), EXPECTED)


def test_times_that_stand_still_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    still = "setts=ts='if(gt(N,4),4,N)*40'"
    ffmpeg(*pattern(10), *H264, "-bf", "0", "-bsf:v", still, "-enc_time_base:v", "1:1000", path)
    with pytest.raises(EncodeError, match="would not be later than the one before it"):
        check_times(TOOL, path, EXPECTED)


def test_sound_whose_clock_goes_back_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    back = "setts=ts='mod(N,8)*DURATION'"
    ffmpeg(*pattern(10), *tone(), *H264, "-c:a", "aac", "-bsf:a", back, path)
    with pytest.raises(EncodeError, match="clock of audio track 0 of the source goes back or stands still"):
        check_times(TOOL, path, EXPECTED)
