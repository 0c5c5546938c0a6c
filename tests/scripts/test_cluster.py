"""scripts/cluster.py on a real cluster: two worker processes of Ray's on this machine."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media import codecs, ffmpeg, packets, with_sound
from tests.programs import SCRIPTS, Environment, run

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra cluster)"
)

TWO_PROCESSES = ("--cpus", str(max(1, len(os.sched_getaffinity(0)) // 2)))


def below(pid: int) -> Iterator[int]:
    """A process's descendants; threads come and go while they are listed."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            numbers = children.read_text().split()
        except OSError:
            continue
        for child in map(int, numbers):
            yield child
            yield from below(child)


def holder(pid: int, pattern: str) -> int | None:
    """The worker among a process's descendants that has a file of such a name open."""
    for child in below(pid):
        try:
            files = [link.readlink() for link in Path(f"/proc/{child}/fd").iterdir()]
            worker = b"ray::" in Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue  # gone meanwhile
        if worker and any(file.match(pattern) for file in files):
            return child
    return None


def frame_hashes(path: Path) -> bytes:
    return ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")


@pytest.mark.slow
def test_a_film_survives_the_loss_of_a_process(tmp_path: Path, environment: Environment) -> None:
    film = with_sound(tmp_path / "film.mkv", frames=48, size="320x180")
    split, whole = tmp_path / "split.mkv", tmp_path / "whole.mkv"
    options = ("--segment-frames", "8", "--preset", "ffv1", *TWO_PROCESSES)
    command = [sys.executable, SCRIPTS / "cluster.py", film, split, *options]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as cluster:
        victim = None
        while victim is None and cluster.poll() is None:
            victim = holder(cluster.pid, "split.mkv.segments/.*.lock")
            time.sleep(0.01)
        assert victim, (cluster.stderr or sys.stderr).read()
        os.kill(victim, signal.SIGKILL)
        assert cluster.stderr
        errors = cluster.stderr.read().decode()
        assert cluster.wait(timeout=120) == 0, errors
    run("vs-espcn", "upscale", film, whole, "--preset", "ffv1", env=environment)
    assert frame_hashes(split) == frame_hashes(whole)
    assert [time for time, _ in packets(split)[0]] == [time for time, _ in packets(whole)[0]]
    assert packets(split)[1] == packets(film)[1]
    assert codecs(split) == codecs(whole)
    assert not (tmp_path / "split.mkv.segments").exists()


def test_workers_run_the_network_that_was_chosen_for_all(tmp_path: Path, environment: Environment) -> None:
    film, output = with_sound(tmp_path / "film.mkv", frames=8), tmp_path / "big.mkv"
    options = ("--network", "auto", "--source", "clean", "--preset", "ffv1", "--segment-frames", "4")
    done = run(sys.executable, SCRIPTS / "cluster.py", film, output, *options, env=environment)
    lines = [line for line in done.stderr.decode().splitlines() if "the best on clean sources" in line]
    assert len(lines) == 1
    name = lines[0].partition("network ")[2].partition(":")[0]
    whole = tmp_path / "whole.mkv"
    run("vs-espcn", "upscale", film, whole, "--network", name, "--preset", "ffv1", env=environment)
    assert frame_hashes(output) == frame_hashes(whole)


def test_an_encoder_that_fails_is_said_in_one_line(tmp_path: Path, environment: Environment) -> None:
    film = with_sound(tmp_path / "film.mkv", frames=4)
    command = (sys.executable, SCRIPTS / "cluster.py", film, tmp_path / "big.mkv")
    done = run(*command, "--", "-c:v", "libx264", "-preset", "none", env=environment, code=1)
    errors = [line for line in done.stderr.decode().splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("vs-espcn: error: ffmpeg failed")
    assert not list(tmp_path.glob("big*"))


def test_what_no_machine_has_is_refused(tmp_path: Path, environment: Environment) -> None:
    film = with_sound(tmp_path / "film.mkv", frames=4)
    command = (sys.executable, SCRIPTS / "cluster.py", film, tmp_path / "big.mkv")
    done = run(*command, "--cpus", "5000", env=environment, code=1)
    assert b"no machine of the cluster has 5000 cores and 0 GPUs; ask for fewer" in done.stderr
