"""The files in scripts/, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest
import vapoursynth as vs
from PIL import Image

from tests.media import video, with_sound

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """VapourSynth's tools and ffmpeg on PATH, and a home of their own."""
    bin_dir = Path(sys.executable).parent
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    return {
        "PATH": os.pathsep.join([str(bin_dir), str(tools), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def run(*command: str | Path, env: dict[str, str], code: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, env=env, capture_output=True, check=False, timeout=120)
    assert done.returncode == code, done.stderr.decode()
    return done


def test_upscale_vpy_through_vspipe(tmp_path: Path, environment: dict[str, str]) -> None:
    source = video(tmp_path / "in.mp4", frames=5)
    done = run(
        "vspipe", "-c", "y4m", "--arg", f"source={source}", "--arg", "scale=3", SCRIPTS / "upscale.vpy", "-",
        env=environment,
    )  # fmt: skip
    header, _, frames = done.stdout.partition(b"\n")
    assert b" W192 H144 " in header
    assert len(frames) == 5 * (len(b"FRAME\n") + 192 * 144 * 3 // 2)


def test_errors_of_the_filter_reach_vspipes_user(tmp_path: Path, environment: dict[str, str]) -> None:
    source = video(tmp_path / "in.mp4", frames=2)
    done = run(
        "vspipe", "-c", "y4m", "--arg", f"source={source}", "--arg", "scale=17", SCRIPTS / "upscale.vpy", "-",
        env=environment, code=1,
    )  # fmt: skip
    assert done.stdout == b""
    assert b"vs_espcn: scale 17 is out of reach: espcn has networks for 2, 3, 4" in done.stderr


def test_pipe_sh_keeps_the_sound(tmp_path: Path, environment: dict[str, str]) -> None:
    source, output = with_sound(tmp_path / "in put.mp4"), tmp_path / "out put.mkv"
    run(SCRIPTS / "pipe.sh", source, output, env=environment)
    upscaled = vs.core.bs.VideoSource(output, cachemode=0)
    assert (upscaled.width, upscaled.height, upscaled.num_frames) == (128, 96, 10)
    assert vs.core.bs.AudioSource(output, cachemode=0).sample_rate == 48000


def test_pipe_sh_fails_when_a_part_fails(tmp_path: Path, environment: dict[str, str]) -> None:
    not_video = tmp_path / "text.mp4"
    not_video.write_text("no video")
    done = subprocess.run(
        [SCRIPTS / "pipe.sh", not_video, tmp_path / "out.mkv"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    run(SCRIPTS / "pipe.sh", not_video, env=environment, code=2)


def test_before_after_draws_its_picture(tmp_path: Path, environment: dict[str, str]) -> None:
    output = tmp_path / "picture.png"
    run(sys.executable, SCRIPTS / "before_after.py", output, env=environment)
    with Image.open(output) as picture:
        assert picture.size == (968, 384)
