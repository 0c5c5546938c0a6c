"""What must fail when a clip is encoded: always one error, and nothing left."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from tests.encode_support import FAST, upscale
from tests.media import FFMPEG, decode, video
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import plan_encode
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.segment_folder import segments_folder
from vs_espcn.encoding.segments import encode_in_segments
from vs_espcn.encoding.source import open_source
from vs_espcn.errors import EncodeError, InputError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return video(tmp_path / "in" / "film.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the output, in which nothing may be left."""
    path = tmp_path / "out"
    path.mkdir()
    yield path
    assert list(path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-nonsense", "1"), "Unrecognized option 'nonsense'"),
        (("-c:v", "nonsense"), "Unknown encoder 'nonsense'"),
        (("-vf", "nonsense"), "No such filter: 'nonsense'"),
        (("-preset", "nonsense"), "invalid preset 'nonsense'"),
        (("-c:v", "copy"), "Could not find tag for codec rawvideo"),
    ],
)
def test_ffmpegs_own_words_tell_what_is_wrong(
    source: Path, folder: Path, args: tuple[str, ...], words: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        upscale(source, folder / "out.mp4", *args)
    assert str(caught.value).startswith("ffmpeg failed (exit code ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-frames:v", "3"), "wrote 3 of 10 frames"),
        (("-frames:v", "9"), "wrote 9 of 10 frames"),
        (("-vf", "fps=50"), "wrote (19|20) of 10 frames"),
        (("-vf", "tpad=stop=1"), "wrote 11 of 10 frames"),
        (("-vf", "setpts=2*PTS"), r"frame 1 would be shown 0\.080 s after the first, not 0\.040 s"),
    ],
)
def test_another_number_of_frames_or_other_times_are_an_error(
    source: Path, folder: Path, args: tuple[str, ...], words: str
) -> None:
    with pytest.raises(EncodeError, match=words):
        upscale(source, folder / "out.mp4", *args)


def test_a_frame_that_cannot_be_made_is_an_error(source: Path, folder: Path) -> None:
    def broken(clip: vs.VideoNode) -> vs.VideoNode:
        def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            if n == 7:
                raise vs.Error("vs_espcn: frame 7: the device is gone")
            return f

        return vs.core.std.ModifyFrame(clip, clip, fail)

    with pytest.raises(EncodeError, match=r"^a frame could not be made: frame 7: the device is gone$"):
        upscale(source, folder / "out.mp4", process=broken)


def test_a_clip_that_y4m_cannot_carry_is_an_error(source: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="YUV444PS"):
        upscale(
            source, folder / "out.mp4", process=lambda clip: vs.core.resize.Point(clip, format=vs.YUV444PS)
        )


@pytest.fixture
def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of ffmpeg's encoding; it may use "$real" and "$@"."""

    def install(script: str) -> None:
        path = tmp_path / "fake-ffmpeg"
        encoding = f'case "$*" in *pipe:0*) {script} ;; *) exec "$real" "$@" ;; esac'
        path.write_text(f"#!/bin/sh\nreal={FFMPEG}\n{encoding}\n")
        path.chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))

    return install


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "head -c 9000 >/dev/null; echo boom >&2; exit 3",
            r"failed \(exit code 3\) after 0 of 10 frames: boom",
        ),
        (
            "head -c 9000 >/dev/null; kill -9 $$",
            r"failed \(signal 9\) after 0 of 10 frames: it gave no reason",
        ),
        ("exit 0", "wrote 0 of 10 frames"),
        ("cat >/dev/null; exit 0", "wrote 0 of 10 frames"),
        ("yes 'much ado' | head -n 100000 >&2; exit 5", r"\(exit code 5\).*: much ado$"),
        (
            "cat >/dev/null; echo frame=10; echo 'Error writing trailer: disk' >&2",
            "Error writing trailer: disk",
        ),
    ],
)
def test_an_ffmpeg_that_dies_is_an_error(
    source: Path, folder: Path, fake_ffmpeg: Callable[[str], None], script: str, words: str
) -> None:
    fake_ffmpeg(script)
    with pytest.raises(EncodeError, match=words):
        upscale(
            source, folder / "out.mp4", process=lambda clip: vs.core.resize.Point(clip, width=640, height=480)
        )


@pytest.mark.slow
def test_an_ffmpeg_that_stalls_dies_with_us(
    source: Path, folder: Path, fake_ffmpeg: Callable[[str], None], tmp_path: Path
) -> None:
    fake_ffmpeg(f"echo $$ >{tmp_path}/pid; dd bs=1000 count=30 of=/dev/null; sleep 600")

    class Enough(BaseException):
        pass

    def stop(number: int) -> None:
        if number == 3:
            raise Enough

    destination, opened = check_output(source, folder / "out.mp4"), open_source(source)
    with pytest.raises(Enough):
        encode(plan_encode(opened.clip, destination, opened), on_frame=stop)
    stalled = Path("/proc", (tmp_path / "pid").read_text().strip())
    assert not stalled.exists()


@pytest.mark.parametrize(
    ("script", "is_stuck"),
    [
        ("head -c 9000 >/dev/null; sleep 1.5; exit 3", True),
        ("cat >/dev/null; sleep 1.5; exit 3", True),
        ("cat >/dev/null; exit 3", False),
    ],
)
def test_an_encoder_that_hangs_is_told_of_but_none_that_waits_for_us(
    source: Path,
    folder: Path,
    fake_ffmpeg: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    script: str,
    is_stuck: bool,
) -> None:
    fake_ffmpeg(script)
    monkeypatch.setattr("vs_espcn.encoding.ffmpeg_process._SECONDS_OF_SILENCE", 0.4)
    opened = open_source(source)
    larger = opened.clip.resize.Point(640, 480)
    encode_plan = plan_encode(larger, check_output(source, folder / "out.mp4"), opened)
    wait = (lambda _: None) if is_stuck else (lambda number: time.sleep(1.5 * (number == 2)))
    with pytest.raises(EncodeError, match="exit code 3"):
        encode(encode_plan, on_frame=wait)
    assert ("neither taken nor encoded a frame" in caplog.text) == is_stuck


@pytest.mark.slow
def test_an_ffmpeg_killed_at_any_frame_is_an_error(
    source: Path, folder: Path, fake_ffmpeg: Callable[[str], None], tmp_path: Path
) -> None:
    """kill -9 of the real ffmpeg, 20 times, in one piece and in segments."""
    video(source, frames=40)
    fake_ffmpeg(f'echo $$ >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exec "$real" "$@"')
    pid = tmp_path / "pid"
    chance = random.Random(20)
    opened = open_source(source)
    for number in range(20):
        at = chance.randint(1, 38)

        def kill(frame: int, at: int = at) -> None:
            if frame == at:
                while not pid.exists():
                    time.sleep(0.001)
                os.kill(int(pid.read_text()), signal.SIGKILL)
                pid.unlink()

        encode_plan = plan_encode(
            opened.clip, check_output(source, folder / "out.mp4"), opened, ffmpeg_args=FAST
        )
        run = partial(encode_in_segments, settings={}, length=100) if number % 2 else encode
        with pytest.raises(EncodeError, match=r"ffmpeg failed \(signal 9\)"):
            run(encode_plan, on_frame=kill)
        assert list(folder.iterdir()) == []


def test_a_full_disk_keeps_finished_segments(source: Path, small_disk: Path) -> None:
    video(source, frames=40, size="160x120")
    opened = open_source(source)
    output = small_disk / "out.mkv"
    encode_plan = plan_encode(opened.clip, check_output(source, output), opened, ffmpeg_args=("-c:v", "ffv1"))
    with pytest.raises(EncodeError, match="No space left on device"):
        encode_in_segments(encode_plan, settings={}, length=4)
    left = sorted(path.name for path in segments_folder(output).iterdir())
    assert left[0] == "00000000-00000004.segment"
    assert left[-1] == "segments.json"
    assert not output.exists()
    for path in segments_folder(output).iterdir():
        path.unlink()
    segments_folder(output).rmdir()


def test_an_ffmpeg_that_is_not_there_is_an_error(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nonexistent/ffmpeg")
    with pytest.raises(EncodeError, match="IMAGEIO_FFMPEG_EXE names '/nonexistent/ffmpeg'"):
        check_output(source, folder / "out.mp4")


def test_no_ffmpeg_at_all_is_an_error(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError

    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    with pytest.raises(EncodeError, match=r"ffmpeg was not found.*install ffmpeg 5\.1 or newer"):
        check_output(source, folder / "out.mp4")


def test_an_ffmpeg_that_is_too_old_is_an_error(
    source: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old-ffmpeg"
    old.write_text("#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu0 Copyright'\n")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    with pytest.raises(EncodeError, match=r"is ffmpeg 4\.4\.2; install 5\.1 or newer"):
        check_output(source, folder / "out.mp4")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 100 kB; skips where none may be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", path],
            capture_output=True,
            text=True,
            check=False,
        )
        if os.geteuid() == 0
        else None
    )
    if mount is None or mount.returncode:
        pytest.skip(
            "a small disk cannot be mounted here" + (f": {mount.stderr.strip()}" if mount else ": not root")
        )
    yield path
    left = list(path.iterdir())
    subprocess.run(["umount", path], check=True)
    assert left == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_an_error(source: Path, small_disk: Path, suffix: str) -> None:
    def noisy(_: vs.VideoNode) -> vs.VideoNode:
        return vs.core.std.AssumeFPS(noise_clip(vs.YUV420P8, 320, 240, 10), fpsnum=25)

    with pytest.raises(EncodeError, match="No space left on device"):
        upscale(source, small_disk / f"out{suffix}", process=noisy)


def test_a_file_that_appears_meanwhile_is_not_replaced(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"

    def intrude(clip: vs.VideoNode) -> vs.VideoNode:
        output.write_text("someone else's")
        return clip

    with pytest.raises(
        EncodeError, match="appeared while it was being written; the finished file is"
    ) as caught:
        upscale(source, output, process=intrude)
    assert output.read_text() == "someone else's"
    finished = Path(str(caught.value).rsplit("'", 2)[1])
    assert decode(finished).num_frames == 10


REFUSALS: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "folder": (lambda _, folder: folder, "is a folder"),
    "same file": (lambda source, _: source, "is the same file as INPUT"),
    "link to the same file": (lambda source, _: linked(source), "is the same file as INPUT"),
    "exists": (lambda source, _: occupied(source), "exists; give another name, or --overwrite"),
    "device": (lambda *_: Path("/dev/null"), "is not a regular file"),
    "fifo": (lambda source, _: piped(source), "is not a regular file"),
    "link to a fifo": (lambda source, _: linked(piped(source)), "is not a regular file"),
    "no such folder": (lambda _, folder: folder / "no" / "out.mp4", "cannot be written: No such file"),
    "suffix": (lambda _, folder: folder / "out.xyz", "has the suffix '.xyz'; choose one of"),
    "long name": (lambda _, folder: folder / ("x" * 300 + ".mp4"), "cannot be written: File name too long"),
}


def linked(source: Path) -> Path:
    link = source.with_name("link.mp4")
    link.symlink_to(source)
    return link


def piped(source: Path) -> Path:
    pytest.importorskip("fcntl", reason="needs FIFOs")
    path = source.with_name("pipe.mp4")
    os.mkfifo(path)
    return path


def occupied(source: Path) -> Path:
    path = source.with_name("occupied.mp4")
    path.write_text("here")
    return path


@pytest.mark.parametrize("case", REFUSALS)
def test_an_output_that_cannot_be_written_is_refused(source: Path, folder: Path, case: str) -> None:
    output, words = REFUSALS[case]
    with pytest.raises(InputError, match=words):
        check_output(source, output(source, folder))


def test_a_folder_that_cannot_be_written_is_refused(source: Path, tmp_path: Path) -> None:
    folder: Any = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        folder = Path("/sys")  # where not even root may make a file
    with pytest.raises(InputError, match=r"cannot be written: (Permission denied|Read-only)"):
        check_output(source, folder / "out.mp4")
