"""``vs-espcn upscale`` beyond one file as it is: parts, presets, many files, segments, previews."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import Run, check_refusal
from tests.media import H264, codecs, decode, ffmpeg, packets, pattern, tone, video
from vs_espcn.encoding.segment_folder import LISTING

FAST = ("--", "-preset", "ultrafast")


def test_a_part_of_the_film(run: Run, source: Path, folder: Path) -> None:
    outcome = run(source, folder / "out.mkv", "--start", "0.12", "--frames", "4", *FAST)
    assert outcome.code == 0, outcome.err
    assert decode(folder / "out.mkv").num_frames == 4
    times = [float(time) for time, _ in packets(folder / "out.mkv")[1]]
    assert min(times) >= 0
    assert max(times) < 4 / 25


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--start", "1:00"), "there is no frame from 60 s to the end; the video has 10 frames in 0.400 s"),
        (("--end", "soon"), "time 'soon' is not understood"),
        (("--frames", "0"), "frames is 0; give 1 or more"),
        (("--preset", "ffv1"), "preset 'ffv1' does not go into .mp4"),
        (("--preset", "x265", "--", "-c:v", "mpeg4"), "both preset 'x265' and the encoder 'mpeg4'"),
        (("--preview", "3"), "is a preview; give it the suffix .png or .html"),
        (("--resume", "--", "-c:v", "nonsense"), "Unknown encoder 'nonsense'"),
    ],
)
def test_bad_options_are_one_line(
    run: Run, source: Path, folder: Path, options: tuple[str, ...], words: str
) -> None:
    check_refusal(run(source, folder / "out.mp4", *options), folder, words)


def test_a_dry_run_prints_the_command_and_it_works(run: Run, source: Path, folder: Path) -> None:
    outcome = run(source, folder / "out file.mkv", "--preset", "x264", "--dry-run", *FAST)
    assert outcome.code == 0, outcome.err
    assert list(folder.iterdir()) == []
    command = shlex.split(outcome.out)
    assert command[-1] == f"file:{folder}/out file.mkv"
    y4m = ffmpeg("-i", source, "-vf", "scale=128:96", "-f", "yuv4mpegpipe", "-")
    subprocess.run(command, input=y4m, check=True, capture_output=True)
    assert codecs(folder / "out file.mkv") == ["h264", "aac"]
    assert decode(folder / "out file.mkv").num_frames == 10


def test_a_dry_run_leaves_no_folders(run: Run, source: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    outcome = run(source.parent, "--output-dir", tmp_path / "deep" / "er" / "still", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert outcome.out.rstrip().endswith(f"file:{tmp_path}/deep/er/still/film.mkv")
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_dry_run_in_segments_prints_every_command_and_they_work(
    run: Run, source: Path, folder: Path
) -> None:
    outcome = run(source, folder / "out.mkv", "--resume", "--dry-run", *FAST)
    assert outcome.code == 0, outcome.err
    assert list(folder.iterdir()) == []
    segment, change, join = outcome.out.splitlines()
    segments = folder / "out.mkv.segments"
    assert shlex.split(segment)[-1] == f"file:{segments}/00000000-00000010.segment"
    segments.mkdir()
    y4m = ffmpeg("-i", source, "-vf", "scale=128:96", "-f", "yuv4mpegpipe", "-")
    subprocess.run(shlex.split(segment), input=y4m, check=True, capture_output=True)
    (segments / LISTING).write_text("ffconcat version 1.0\nfile 00000000-00000010.segment\n")
    subprocess.run(["sh", "-c", f"{change} && {join}"], check=True, capture_output=True)
    assert codecs(folder / "out.mkv") == ["h264", "aac"]
    assert decode(folder / "out.mkv").num_frames == 10


def test_a_preset_is_the_encoder(run: Run, source: Path, folder: Path) -> None:
    assert run(source, folder / "out.mkv", "--preset", "ffv1").code == 0
    assert codecs(folder / "out.mkv") == ["ffv1", "aac"]


def test_a_preview_is_a_picture(run: Run, source: Path, folder: Path) -> None:
    outcome = run(source, folder / "sheet.png", "--preview", "3")
    assert outcome.code == 0, outcome.err
    assert list(folder.iterdir()) == [folder / "sheet.png"]
    assert (folder / "sheet.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    picture = decode(folder / "sheet.png")
    assert picture.width > 2 * 128
    assert picture.height == 3 * (96 + 24 + 6) + 6
    assert run(source, folder / "sheet.png", "--preview", "3").code == 1


def test_a_preview_is_a_page(run: Run, source: Path, folder: Path) -> None:
    assert run(source, folder / "look.html", "--preview", "2").code == 0
    assert list(folder.iterdir()) == [folder / "look.html"]
    page = (folder / "look.html").read_text(encoding="utf-8")
    assert page.count('"label"') == 2
    assert page.count("data:image/webp;base64,") == 4


# Many files.


@pytest.fixture
def season(tmp_path: Path) -> Path:
    path = tmp_path / "season"
    (path / "extra").mkdir(parents=True)
    for name in ("one.mp4", 'it\'s "two".mkv', "extra/-three.mov"):
        video(Path(path, name), frames=3)
    (path / "notes.txt").write_text("not a video")
    return path


def test_a_folder_becomes_a_folder(run: Run, season: Path, folder: Path) -> None:
    outcome = run(season, "--output-dir", folder / "new", *FAST)
    assert (outcome.code, outcome.out) == (0, ""), outcome.err
    names = ["extra/-three.mkv", 'it\'s "two".mkv', "one.mkv"]
    outputs = [folder / "new" / name for name in names]
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(outputs)
    assert {decode(path).num_frames for path in outputs} == {3}
    assert outcome.err.count("done  ") == 3

    written = {path: path.stat().st_mtime_ns for path in outputs}
    again = run(season, "--output-dir", folder / "new", *FAST)
    assert again.code == 0
    assert again.err.count("was there") == 3
    assert {path: path.stat().st_mtime_ns for path in outputs} == written


def test_one_that_fails_does_not_stop_the_others(run: Run, season: Path, folder: Path) -> None:
    (season / "bad.mp4").write_text("no video")
    outcome = run(season, "--output-dir", folder, "--suffix", ".mp4", *FAST)
    assert outcome.code == 1
    assert sorted(path.name for path in folder.rglob("*.mp4")) == ["-three.mp4", 'it\'s "two".mp4', "one.mp4"]
    assert "cannot be opened as a video" in outcome.err
    table = outcome.err.splitlines()[-4:]
    assert [line.split()[1] for line in table] == ["failed", "done", "done", "done"]
    assert str(season / "bad.mp4") in table[0]


@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_two_names_of_one_file_do_not_become_one_film(
    run: Run, season: Path, folder: Path, options: tuple[str, ...]
) -> None:
    """As where a file system takes no notice of case or of how an accent is written; here by a link."""
    video(season / "\u00e9.mp4", frames=3)
    video(season / "e\u0301.mp4", frames=4)
    (folder / "\u00e9.mkv").symlink_to("e\u0301.mkv")
    outcome = run(season / "e\u0301.mp4", season / "\u00e9.mp4", "--output-dir", folder, *options, *FAST)
    assert outcome.code == 1
    assert "would replace what was just made; rename it, or its source" in outcome.err
    assert decode(folder / "e\u0301.mkv").num_frames == 4


def test_a_folder_in_the_place_of_an_output_is_no_output(run: Run, source: Path, folder: Path) -> None:
    (folder / "film.mkv").mkdir()
    outcome = run(source, "--output-dir", folder)
    assert outcome.code == 1
    assert "is a folder; give the name of a file" in outcome.err


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("one.mp4", "extra/../one.mp4"), "would both become"),
        (("one.mp4", "missing.mp4"), "does not exist"),
        (("empty",), "is a folder without videos"),
    ],
)
def test_bad_inputs_are_refused_before_any_work(
    run: Run, season: Path, folder: Path, names: tuple[str, ...], words: str
) -> None:
    (season / "empty").mkdir()
    check_refusal(run(*(season / name for name in names), "--output-dir", folder), folder, words)


def test_an_output_folder_in_the_input_is_not_taken_up(run: Run, season: Path) -> None:
    for _ in range(2):
        assert run(season, "--output-dir", season / "big", *FAST).code == 0
    assert len(list((season / "big").rglob("*.mkv"))) == 3


# Abuse.


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "vs_espcn", "upscale", *map(str, arguments), "--backend", "openvino"]


def wait_for(folder: Path, found: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.rglob(found)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_run_resumes(tmp_path: Path, folder: Path) -> None:
    """kill -9 of the command in its second segment; the second command makes only what is missing."""
    film, output = tmp_path / "film.mkv", folder / "né w.mkv"
    ffmpeg(*pattern(1100, "32x24"), *tone(44), *H264, "-c:a", "aac", film)
    line = [*command(film, output, "--resume", "--preset", "ffv1")]
    killed = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    wait_for(folder, "0*.segment", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    left = list(folder.rglob("0*.segment"))
    assert not output.exists() or not left
    resumed = subprocess.run(line, capture_output=True, text=True, check=False)
    if not left:
        return  # it was quicker than we
    assert resumed.returncode == 0, resumed.stderr
    assert re.search(r"note: (500|1000|1100) of 1100 frames were done before", resumed.stderr)
    assert list(folder.iterdir()) == [output]
    assert decode(output).num_frames == 1100
    assert [data for _, data in packets(output)[1]] == [data for _, data in packets(film)[1]]


def test_a_source_that_ends_in_the_middle_of_a_group(run: Run, folder: Path, tmp_path: Path) -> None:
    """A transport stream cut anywhere is upscaled up to its last whole frame."""
    whole, cut_off = tmp_path / "whole.ts", tmp_path / "cut.ts"
    video(whole, "-g", "50", "-bf", "2", frames=50, size="96x64")
    cut_off.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    outcome = run(cut_off, folder / "out.mkv", *FAST)
    assert outcome.code == 0, outcome.err
    assert 10 < decode(folder / "out.mkv").num_frames < 50


def test_two_runs_on_one_output(tmp_path: Path, folder: Path) -> None:
    film, output = video(tmp_path / "film.mp4", frames=1500, size="64x48"), folder / "out.mkv"
    first = subprocess.Popen(command(film, output), stderr=subprocess.PIPE, text=True)
    wait_for(folder, ".out.*", first)
    shutil.copy(film, tmp_path / "other.mp4")
    second = subprocess.run(
        command(tmp_path / "other.mp4", output), capture_output=True, text=True, check=False
    )
    _, said = first.communicate()
    assert sorted([first.returncode, second.returncode]) == [0, 1], (said, second.stderr)
    assert "is being written by another run" in said + second.stderr or "exists" in second.stderr
    assert list(folder.iterdir()) == [output]
    assert decode(output).num_frames == 1500


@pytest.mark.slow
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_signals_at_any_moment(tmp_path: Path, folder: Path, resume: tuple[str, ...]) -> None:
    """From the start of Python to the last frame: the code of the signal or a whole file, never half."""
    film = video(tmp_path / "film.mp4", frames=300, size="64x48")
    for number, moment in enumerate((0.8, 1.6, 2.4, 3.2)):
        output = folder / f"{number}.mkv"
        process = subprocess.Popen(
            command(film, output, *resume), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        time.sleep(moment)
        sent = (signal.SIGINT, signal.SIGTERM)[number % 2]
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
        assert out == ""
        assert process.returncode in {0, 128 + sent, -sent, 130}, err
        assert "Traceback" not in err
        assert output.exists() == (process.returncode == 0)
        if output.exists():
            assert decode(output).num_frames == 300
        assert not list(folder.glob(".*"))
