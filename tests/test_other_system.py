"""Windows and macOS, as far as Linux can stand for them: see `tests.other_system`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.media import FFMPEG, decode, ffmpeg, video, with_sound

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stands for other systems on Linux")
SYSTEMS = pytest.mark.parametrize("system", ["win32", "darwin"])


def run(system: str, *arguments: str | Path, stdin: bytes = b"", code: int = 0, **variables: str) -> bytes:
    """What the command writes to stdout on another system."""
    command = [sys.executable, "-m", "tests.other_system", system, *arguments]
    environment = {**os.environ, "IMAGEIO_FFMPEG_EXE": FFMPEG, **variables}
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment, cwd=ROOT)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout


@SYSTEMS
def test_every_module_can_be_imported(system: str) -> None:
    run(system, "import")


@SYSTEMS
def test_the_commands_that_tell_something(system: str, tmp_path: Path) -> None:
    assert b"Upscale video with small neural networks" in run(system, "--help")
    told = run(system, "info")
    assert b"openvino (picked): CPU" in told
    assert b"avx2" not in told, "which only Linux lists"
    script = tmp_path / "script.vpy"
    script.write_text("import vapoursynth as vs\nvs.core.std.BlankClip(format=vs.YUV420P8).set_output()\n")
    assert b"ffmpeg: -r 24/1" in run(system, "flags", script)


@SYSTEMS
def test_a_file_is_upscaled(system: str, tmp_path: Path) -> None:
    source, output = with_sound(tmp_path / "in put.mp4"), tmp_path / "out.mkv"
    run(system, "upscale", source, output, "--", "-preset", "ultrafast")
    clip = decode(output)
    assert (clip.width, clip.height, clip.num_frames) == (128, 96, 10)
    assert {path.name for path in tmp_path.iterdir()} == {"in put.mp4", "out.mkv"}
    run(system, "upscale", source, output, "--", "-nonsense", "1", code=1)
    quote = b'"' if system == "win32" else b"'"
    printed = run(system, "upscale", source, output, "-y", "--dry-run")
    assert quote + b"file:" + os.fsencode(source) + quote in printed, "as that system's shell reads it"
    printed = run(system, "upscale", source, output, "-y", "--resume", "--dry-run").splitlines()
    change = b"pushd" if system == "win32" else b"cd"
    assert printed[-2] == change + b" " + os.fsencode(f"{output}.segments")


@SYSTEMS
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_closing_the_console_leave_nothing(
    system: str, sent: signal.Signals, tmp_path: Path
) -> None:
    """Windows sends CTRL_BREAK when its console is closed, for which SIGTERM stands here."""
    source = video(tmp_path / "in.mp4", frames=3000, size="96x64")
    folder = tmp_path / "out"
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.other_system",
        system,
        "upscale",
        source,
        tmp_path / "out/out.mkv",
    ]
    environment = {**os.environ, "IMAGEIO_FFMPEG_EXE": FFMPEG}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    while not any(path.stat().st_size for path in folder.iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + sent, errors
    assert "Traceback" not in errors
    assert list(folder.iterdir()) == []


@SYSTEMS
def test_a_stream_is_upscaled(system: str) -> None:
    given = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", "3", "-pix_fmt", "yuv420p")
    header, _, frames = run(system, "pipe", stdin=ffmpeg(*given, "-f", "yuv4mpegpipe", "-")).partition(b"\n")
    assert b" W128 H96 " in header
    assert len(frames) == 3 * (6 + 128 * 96 * 3 // 2)


@SYSTEMS
def test_networks_are_compared(system: str, tmp_path: Path) -> None:
    source, output = with_sound(tmp_path / "in.mp4"), tmp_path / "out.png"
    run(system, "compare", source, "--out", output, "--crop", "32x32+0+0")
    assert output.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
@pytest.mark.parametrize("arguments", [("--help",), ("networks", "--no-time", "--scale", "4"), ("info",)])
def test_a_console_that_is_not_unicode_is_written_to(encoding: str, arguments: tuple[str, ...]) -> None:
    shown = run("win32", *arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0", TERM="dumb")
    assert shown
    assert b"\x1b" not in shown, "colours, of which such a console has none"


def test_an_odd_name_is_printed_on_any_console(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "フィルム × ½.mp4")
    printed = run("win32", "upscale", source, tmp_path / "out.mkv", "--dry-run", PYTHONIOENCODING="cp437")
    assert b"???? ? \xab.mp4" in printed


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mp4", frames=120)
    nowhere = {"HOME": "/dev/null", "VS_ESPCN_CACHE": "/dev/null/cache"}
    run("win32", "upscale", source, tmp_path / "out.mkv", "--", "-preset", "ultrafast", **nowhere)
    assert decode(tmp_path / "out.mkv").num_frames == 120
