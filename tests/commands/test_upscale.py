import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.command import RUN_LINE, Outcome, Run, check_refusal
from tests.media import (
    FFMPEG,
    H264,
    codecs,
    decode,
    ffmpeg,
    packets,
    pattern,
    raw_planes,
    shared_video,
    tone,
    video,
)
from vs_espcn.encoding import segments

FAST = ("--", "-preset", "ultrafast")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_file_is_upscaled(run: Run, source: Path, folder: Path, scale: int) -> None:
    outcome = run(source, folder / "film.mp4", "--scale", str(scale), "--backend", "openvino", *FAST)
    assert (outcome.code, outcome.out) == (0, "")
    runs, done = outcome.err.splitlines()
    assert runs.startswith(RUN_LINE)
    assert f"; 64x48 to {64 * scale}x{48 * scale}; openvino on CPU, " in runs
    assert runs.endswith("; libx264")
    assert done.startswith("vs-espcn: 10 frames in 0:00:")
    assert list(folder.iterdir()) == [folder / "film.mp4"]
    clip = decode(folder / "film.mp4")
    assert (clip.width, clip.height, clip.num_frames) == (64 * scale, 48 * scale, 10)
    assert clip.fps == 25
    assert packets(folder / "film.mp4")[1] == packets(source)[1]


def test_the_file_holds_the_filters_frames(run: Run, source: Path, folder: Path) -> None:
    import vs_espcn  # noqa: PLC0415

    assert run(source, folder / "film.mkv", "--precision", "fp32", "--", "-c:v", "ffv1").code == 0
    expected = vs_espcn.upscale(decode(source), 2, backend=vs_espcn.OpenVINO(precision="fp32"))
    assert raw_planes(decode(folder / "film.mkv")) == raw_planes(expected), "by the same network"
    assert codecs(folder / "film.mkv") == ["ffv1", "aac"]


def test_a_network_is_chosen_and_named(run: Run, source: Path, folder: Path) -> None:
    import vs_espcn  # noqa: PLC0415

    options = ("--network", "auto", "--source", "clean", "--precision", "fp32")
    outcome = run(source, folder / "film.mkv", *options, "--", "-c:v", "ffv1")
    assert outcome.code == 0
    chosen = outcome.err.splitlines()[0].removeprefix("vs-espcn: network ")
    name, _, reason = chosen.partition(": ")
    assert reason.startswith("the best on clean sources")
    backend = vs_espcn.OpenVINO(precision="fp32")
    expected = vs_espcn.upscale(decode(source), 2, network=name, backend=backend)
    assert raw_planes(decode(folder / "film.mkv")) == raw_planes(expected)


def test_segments_are_of_the_network_that_was_chosen(
    run: Run, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run of the same command must not go on with another network."""
    settings: dict[str, str] = {}
    monkeypatch.setattr(segments, "encode_in_segments", lambda _, **given: settings.update(given["settings"]))
    outcome = run(source, folder / "film.mkv", "--network", "auto", "--fps", "0.01", "--resume")
    name = outcome.err.splitlines()[0].removeprefix("vs-espcn: network ").partition(": ")[0]
    assert settings["network"] == repr(name)
    assert not {"source", "fps"} & set(settings)


def test_what_is_not_kept_gets_a_note(run: Run, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    ffmpeg(*pattern(), *tone(), *H264, "-c:a", "wavpack", source)
    outcome = run(source, folder / "film.mp4", *FAST)
    assert outcome.code == 0
    assert outcome.err.splitlines()[1] == (
        "vs-espcn: note: audio track 1 (wavpack) is re-encoded with aac, since .mp4 cannot hold it as it is"
    )


def test_overwrite_replaces(run: Run, source: Path, folder: Path) -> None:
    (folder / "film.mp4").write_text("old")
    assert run(source, folder / "film.mp4", "--overwrite", *FAST).code == 0
    assert decode(folder / "film.mp4").num_frames == 10


def test_names_that_begin_with_a_dash_follow_two_dashes(
    run: Run, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.rename(folder / "-in.mp4")
    monkeypatch.chdir(folder)
    assert run("--", "-in.mp4", "-out.mp4", "--", "-preset", "ultrafast").code == 0
    assert decode(folder / "-out.mp4").num_frames == 10


def test_the_real_clip(run: Run, folder: Path) -> None:
    source = shared_video("natural_540p_flower.mp4")
    trimmed = folder.parent / "flower.mp4"
    ffmpeg("-i", source, *H264, "-c:a", "copy", "-t", "0.4", trimmed)
    assert run(trimmed, folder / "flower.mp4", *FAST).code == 0
    before, after = decode(trimmed), decode(folder / "flower.mp4")
    assert (after.width, after.height) == (1920, 1080)
    assert (after.num_frames, after.fps) == (before.num_frames, before.fps)
    assert packets(folder / "flower.mp4")[1] == packets(trimmed)[1]
    props = after.get_frame(0).props
    assert (props["_Matrix"], props["_Transfer"], props["_Primaries"]) == (6, 6, 6)
    assert (props["_Range"], props["_SARNum"], props["_SARDen"]) == (vs.RANGE_LIMITED, 1, 1)


def test_an_interlaced_file_is_deinterlaced(run: Run, source: Path, folder: Path, tmp_path: Path) -> None:
    ffmpeg("-i", source, "-vf", "setfield=tff", "-c:v", "ffv1", "-c:a", "copy", tmp_path / "dvd.mkv")
    outcome = run(tmp_path / "dvd.mkv", folder / "film.mkv", "--deinterlace", "field", *FAST)
    assert outcome.code == 0, outcome.err
    clip = decode(folder / "film.mkv")
    assert (clip.num_frames, clip.fps, clip.get_frame(3).props["_FieldBased"]) == (20, 50, 0)
    assert packets(folder / "film.mkv")[1] == packets(tmp_path / "dvd.mkv")[1]


def test_a_lossless_source_takes_a_network_for_clean_ones(run: Run, folder: Path, tmp_path: Path) -> None:
    ffmpeg(*pattern(2), "-c:v", "ffv1", tmp_path / "film.mkv")
    line = run(tmp_path / "film.mkv", folder / "a.mkv", *FAST).err.splitlines()[0]
    assert "the best on clean sources" in line
    assert "since the source is ffv1; " in line
    told = run(tmp_path / "film.mkv", folder / "b.mkv", "--source", "video", *FAST).err.splitlines()[0]
    assert "the best on video sources" in told


# What people type.


def test_short_options_and_logging_after_the_command(run: Run, source: Path, folder: Path) -> None:
    (folder / "film.mp4").write_text("old")
    assert run(source, "-o", folder / "film.mp4", "-y", "-q", *FAST) == Outcome(0, "", "")
    assert decode(folder / "film.mp4").num_frames == 10
    assert "using OpenVINO on CPU" in run(source, folder / "film.mp4", "-yv", *FAST).err, "the library's log"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (
            ("-crf", "20"),
            "-crf is not an option of vs-espcn; those of ffmpeg follow at the end after --, as in: -- -crf",
        ),
        (("-c:v", "libx265", "-an", "--scale", "3"), "as in: -- -c:v libx265 -an"),
        (("-vf", "hflip"), "as in: -- -vf hflip"),
        (("-i",), "INPUT and OUTPUT are given without -i"),
    ],
)
def test_options_of_ffmpeg_before_the_dashes_get_a_hint(
    run: Run, source: Path, folder: Path, arguments: tuple[str, ...], hint: str
) -> None:
    outcome = run(source, folder / "film.mp4", *arguments)
    assert outcome.code == 2
    assert hint in " ".join(outcome.err.replace("│", " ").split())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("https://example.org/film.mp4", "is an address; download it first, or pipe it: `ffmpeg -i ADDRESS"),
        ("rtmp://example.org/live", "is an address"),
        ("frame%03d.png", "make a video of the images: `ffmpeg -framerate 24 -i INPUT -c:v ffv1 VIDEO.mkv`"),
        ("C:/missing.mp4", "does not exist"),
    ],
)
def test_what_is_no_file_is_refused_with_a_way(run: Run, folder: Path, name: str, words: str) -> None:
    check_refusal(run(name, folder / "out.mp4"), folder, words)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_an_image_becomes_a_png(run: Run, folder: Path, tmp_path: Path, suffix: str) -> None:
    image = tmp_path / f"image{suffix}"
    ffmpeg(*pattern(1), "-frames:v", "1", image)
    outcome = run(image, folder / "large.png", "--precision", "fp32")
    assert (outcome.code, outcome.out) == (0, "")
    assert len(outcome.err.splitlines()) == 1
    result = vs.core.resize.Bicubic(decode(image), 128, 96, format=vs.RGB24, matrix_in_s="470bg")
    difference = vs.core.std.PlaneStats(vs.core.std.Expr([result, decode(folder / "large.png")], "x y - abs"))
    assert difference.get_frame(0).props["PlaneStatsAverage"] < 0.05


def test_a_video_is_no_picture(run: Run, source: Path, folder: Path) -> None:
    check_refusal(run(source, folder / "film.png"), folder, "is one picture, and INPUT has 10 frames")
    assert run(source, folder / "film.png", "--start", "0.2", "--frames", "1").code == 0


# Bad input.


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def interlaced(path: Path) -> None:
    flags = ("-vf", "setfield=tff", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-f", "mpegts")
    ffmpeg(*pattern(), "-pix_fmt", "yuv420p", *flags, path)


def change_of_size(path: Path) -> None:
    parts = [video(path.with_name(f"{size}.ts"), size=size).read_bytes() for size in ("64x48", "96x64")]
    path.write_bytes(b"".join(parts))


def without_frames(path: Path) -> None:
    video(path, "-f", "mp4", "-frames:v", "0")


def named_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


BAD_INPUT: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "does not exist"),
    "a pipe": (named_pipe, "is not a regular file"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "truncated": (cut_short, "is cut short"),
    "not a video": (lambda path: path.write_text("text\n" * 999), "cannot be opened as a video"),
    "sound only": (lambda path: ffmpeg(*tone(), "-c:a", "aac", path), "has no video track, only audio"),
    "zero length": (without_frames, "has no video track, only a header"),
    "interlaced": (interlaced, "is interlaced; add --deinterlace field"),
    "variable size": (change_of_size, "varies"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line(run: Run, source: Path, folder: Path, case: str) -> None:
    spoil, words = BAD_INPUT[case]
    spoil(source)
    check_refusal(run(source, folder / "out.mp4"), folder, words)


def test_a_folder_as_input_is_one_line(run: Run, source: Path, folder: Path) -> None:
    check_refusal(run(source.parent, folder / "out.mp4"), folder, "is a folder")


def test_a_folder_as_output_is_one_line(run: Run, source: Path, folder: Path) -> None:
    check_refusal(run(source, folder), folder, "is a folder; give the name of a file")


def test_an_output_that_exists_is_one_line(run: Run, source: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_text("precious")
    check_refusal(run(source, tmp_path / "out.mp4"), folder, "exists; give another name, or --overwrite")
    assert (tmp_path / "out.mp4").read_text() == "precious"


def test_input_as_output_is_one_line(run: Run, source: Path, folder: Path) -> None:
    before = source.read_bytes()
    check_refusal(run(source, source, "--overwrite"), folder, "is the same file as INPUT")
    assert source.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_one_line(run: Run, source: Path, folder: Path) -> None:
    folder.chmod(0o555)
    locked = Path("/sys") if os.access(folder, os.W_OK) else folder  # root may write nearly anywhere
    check_refusal(run(source, locked / "out.mp4"), folder, "cannot be written: ")
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scale", "99"), "scale 99 is out of reach"),
        (("--network", "nonsense"), "network 'nonsense' is not shipped; choose one of espcn"),
        (("--network", "auto", "--fps", "0"), "fps is 0.0; give a number above 0"),
        (
            ("--source", "video", "--network", "espcn"),
            "--source video is for --network auto, and 'espcn' is named; give one of them",
        ),
        (("--scale", "2", "--height", "96"), "both --scale 2 and --height 96 are given; give one of them"),
        (
            ("--device", "0"),
            "device '0' belongs to a GPU backend; name that as well: tensorrt, torch or vulkan",
        ),
        (("--device", "abacus"), "OpenVINO has no device 'abacus' here; present are CPU"),
        (("--deinterlace", "field"), "is progressive; leave out --deinterlace"),
        (("--backend", "nonsense"), "backend 'nonsense' is not known; choose one of"),
        (("--precision", "nonsense"), "precision 'nonsense' is not known; choose one of"),
        (("--", "-nonsense", "1"), "ffmpeg failed (exit code"),
        (("--", "-c:v", "nonsense"), "Unknown encoder 'nonsense'"),
        (("--", "-frames:v", "4"), "ffmpeg wrote 4 of 10 frames"),
    ],
)
def test_bad_options_are_one_line(
    run: Run, source: Path, folder: Path, options: tuple[str, ...], words: str
) -> None:
    check_refusal(run(source, folder / "out.mp4", *options), folder, words)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("in.mp4",),
        ("in.mp4", "out.mp4", "third.mp4"),
        ("in.mp4", "out.png", "--preview", "2", "--dry-run"),
    ],
)
def test_wrong_usage_is_code_2(run: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: ")
    assert list(folder.iterdir()) == []


def fake_ffmpeg(path: Path, encoding: str) -> None:
    """A script that does `encoding` when it is fed, and is ffmpeg otherwise."""
    path.write_text(f'#!/bin/sh\ncase "$*" in *pipe:0*) {encoding} ;; *) exec {FFMPEG} "$@" ;; esac\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        (
            "head -c 30000 >/dev/null; echo Out of luck >&2; exit 3",
            "(exit code 3) after 0 of 10 frames: Out of luck",
        ),
        ("head -c 30000 >/dev/null; kill -9 $$", "(signal 9)"),
    ],
)
def test_an_ffmpeg_that_dies_is_one_line(
    run: Run,
    source: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    words: str,
) -> None:
    fake_ffmpeg(source.with_name("ffmpeg"), encoding)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(source.with_name("ffmpeg")))
    check_refusal(run(source, folder / "out.mp4"), folder, words)


def test_an_ffmpeg_that_is_missing_is_one_line(
    run: Run, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nonexistent/ffmpeg")
    check_refusal(
        run(source, folder / "out.mp4"), folder, "'/nonexistent/ffmpeg', which does not run as ffmpeg"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 40 kB; skips where none may be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_full_disk_is_one_line(run: Run, small_disk: Path, tmp_path: Path) -> None:
    source = video(tmp_path / "film.mp4", frames=25, size="160x120")
    check_refusal(run(source, small_disk / "out.mkv"), small_disk, "No space left on device")


@dataclass(frozen=True)
class Running:
    """The command in a process of its own, with ffmpeg running under it."""

    process: subprocess.Popen[str]
    encoder: Path


@pytest.fixture
def running(folder: Path, tmp_path: Path) -> Iterator[Running]:
    """A run that is half-way: its encoder has had some frames and doesn't go on."""
    fake_ffmpeg(
        tmp_path / "ffmpeg",
        f"echo $$ >{tmp_path}/pid; head -c 20000 >/dev/null; touch {tmp_path}/fed; sleep 60",
    )
    source = video(tmp_path / "film.mp4", frames=200)
    process = subprocess.Popen(
        [sys.executable, "-m", "vs_espcn", "upscale", source, folder / "out.mp4", "--backend", "openvino"],
        env={**os.environ, "IMAGEIO_FFMPEG_EXE": str(tmp_path / "ffmpeg")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "fed").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Running(process, Path("/proc", (tmp_path / "pid").read_text().strip()))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_ffmpeg_and_leaves_nothing(
    running: Running, folder: Path, number: int, code: int
) -> None:
    assert running.encoder.exists()
    assert {path.suffix for path in folder.iterdir()} == {".mp4", ".lock"}
    running.process.send_signal(number)
    out, err = running.process.communicate(timeout=30)
    assert (running.process.returncode, out) == (code, "")
    assert [line for line in err.splitlines() if not line.startswith(RUN_LINE)] == []
    assert not running.encoder.exists()
    assert list(folder.iterdir()) == []


def test_a_killed_ffmpeg_is_one_line(running: Running, folder: Path) -> None:
    os.killpg(int(running.encoder.name), signal.SIGKILL)
    out, err = running.process.communicate(timeout=30)
    check_refusal(Outcome(running.process.returncode, out, err), folder, "(signal 9)")


def test_rgb_keeps_its_colours(run: Run, folder: Path) -> None:
    source, output = folder / "screen.mkv", folder / "out.mkv"
    video(source, "-c:v", "ffv1", "-pix_fmt", "gbrp")
    done = run(source, output, "--preset", "ffv1")
    assert "RGB24 is upscaled and encoded as YUV444P8" in done.err
    result = decode(output)
    assert (result.format.name, result.num_frames) == ("YUV444P8", 10)
    assert result.get_frame(0).props["_Matrix"] == vs.MATRIX_ST170_M
    for index in range(3):
        means = [
            vs.core.std.PlaneStats(vs.core.resize.Bicubic(clip, format=vs.RGB24), plane=index)
            .get_frame(5)
            .props["PlaneStatsAverage"]
            for clip in (decode(source), result)
        ]
        assert means[1] == pytest.approx(means[0], abs=2 / 255)
