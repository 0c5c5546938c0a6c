"""Run `vs-espcn upscale` where much is broken, and check what it leaves.

    python3 -m uv run --group dev python scripts/dev/surroundings.py signals 200   # at random moments
    python3 -m uv run --group dev python scripts/dev/surroundings.py disk 50       # small full disks; as root
    python3 -m uv run --group dev python scripts/dev/surroundings.py limits        # of the system, once each
    python3 -m uv run --group dev python scripts/dev/surroundings.py many 200      # upscales in one process

Whatever happens, a run ends by itself; either the whole film lies at OUTPUT and the exit code is 0, or
nothing does, the code says so, and stderr has one line and no traceback. Hidden files never stay. Needs
Linux.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg

FRAMES = 60
COMMAND = (sys.executable, "-m", "vs_espcn", "upscale")
OPTIONS = ("--network", "espcn", "--backend", "openvino")
_LIMIT = 300.0
"""Seconds after which a run counts as one that hangs."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, negative for a signal, and what it said."""

    code: int
    said: str


def check(ended: Ended, output: Path, accepted: set[int], *, frames: int = FRAMES) -> str:
    """Check what a run left; return in a few words how it went.

    Raises:
        AssertionError: Something is left that looks whole, or the code does not say what happened.
    """
    assert "Traceback" not in ended.said, ended.said
    assert ended.code in accepted | {0}, ended
    left = [
        path.name
        for path in output.parent.iterdir()
        if path.name not in {output.name, f"{output.name}.segments"}
    ]
    assert left == [], (ended, left)
    assert output.exists() == (ended.code == 0), ended
    if ended.code == 0:
        assert decoded_frames(output) == frames
        return "whole"
    errors = [line for line in ended.said.splitlines() if line.startswith("vs-espcn: error: ")]
    assert len(errors) == (ended.code == 1), ended
    return f"code {ended.code}"


def decoded_frames(path: Path) -> int:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-f", "framemd5", "-"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return sum(not line.startswith("#") for line in text.splitlines())


def film(path: Path, frames: int = FRAMES, size: str = "64x48") -> Path:
    source = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25", "-frames:v", str(frames))
    encoder = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *encoder, path], check=True)
    return path


def start(arguments: Sequence[str | Path], log: Path) -> int:
    """Start the command in a child of this process, which has loaded its libraries."""
    child = os.fork()
    if child:
        return child
    for descriptor, path, flags in (
        (0, "/dev/null", os.O_RDONLY),
        (1, "/dev/null", os.O_WRONLY),
        (2, log, os.O_WRONLY),
    ):
        os.dup2(os.open(path, flags | (os.O_CREAT | os.O_TRUNC if descriptor == 2 else 0)), descriptor)
    sys.argv = ["vs-espcn", *map(str, arguments)]
    code = 70
    try:
        from vs_espcn.cli import main  # noqa: PLC0415 - in the child alone

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def wait_for(child: int, log: Path) -> Ended:
    """Wait for a child of `start`.

    Raises:
        AssertionError: It does not end.
    """
    end = time.monotonic() + _LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return Ended(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("a run does not end")


def wait_for_orphans(output: Path) -> None:
    """Wait for the ffmpeg of a run that was killed: it may make its file after that."""
    folder = os.fsencode(output.parent)

    def command_of(process: Path) -> bytes:
        try:
            return (process / "cmdline").read_bytes()
        except OSError:
            return b""

    while any(folder in command_of(each) for each in Path("/proc").glob("[0-9]*")):
        time.sleep(0.05)


def load_libraries() -> None:
    """Load what each run would: signals come while it works, seldom while Python loads."""
    from vs_espcn.commands import libraries  # noqa: PLC0415 - not for the runs that load them themselves

    libraries.load_libraries()
    import vs_espcn.encoding.segments  # noqa: PLC0415
    import vs_espcn.filter.upscale  # noqa: F401, PLC0415


def signals(count: int, seed: int = 0) -> Counter[str]:
    """Send SIGINT, SIGTERM, SIGHUP and SIGKILL at random moments, every other run in segments."""
    load_libraries()
    chance, results = random.Random(seed), Counter[str]()
    with TemporaryDirectory() as folder:
        source, log = film(Path(folder, "in.mp4")), Path(folder, "log")
        output = Path(folder, "out", "film.mkv")
        output.parent.mkdir()
        started = time.monotonic()
        assert (
            check(wait_for(start(["upscale", source, output, *OPTIONS], log), log), output, set()) == "whole"
        )
        longest = 1.2 * (time.monotonic() - started)
        for number in range(count):
            output.unlink(missing_ok=True)
            sent = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
            segments = ("--resume",) if number % 2 else ()
            child = start(["upscale", source, output, *OPTIONS, *segments], log)
            time.sleep(chance.uniform(0, longest))
            with suppress(ProcessLookupError):
                os.kill(child, sent)
            ended = wait_for(child, log)
            if sent == signal.SIGKILL:  # its hidden files are the next run's to remove
                wait_for_orphans(output)
                for hidden in output.parent.glob(".*"):
                    hidden.unlink()
            results[f"{sent.name}, {check(ended, output, {-sent, 128 + sent})}"] += 1
            for segment in output.parent.glob("*.segments/*"):
                segment.unlink()
            for left in output.parent.glob("*.segments"):
                left.rmdir()
    return results


@contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def full_disks(count: int, seed: int = 0) -> Counter[str]:
    """Write onto disks of 8 to 300 kB, every other run in segments, in MP4 and Matroska."""
    load_libraries()
    chance, results = random.Random(seed), Counter[str]()
    with TemporaryDirectory() as folder:
        source, log = film(Path(folder, "in.mp4"), size="160x120"), Path(folder, "log")
        for number in range(count):
            with disk(Path(folder, "disk"), 4 * chance.randint(2, 75)) as small:
                output = small / f"film{chance.choice(['.mkv', '.mp4'])}"
                segments = ("--resume",) if number % 2 else ()
                ended = wait_for(start(["upscale", source, output, *OPTIONS, *segments], log), log)
                results[check(ended, output, {1})] += 1
    return results


LIMITS = {
    "32 file descriptors": "ulimit -n 32; exec {}",
    "12 file descriptors": "ulimit -n 12; exec {}",
    "an address space of 8 GB": "ulimit -v 8000000; exec {}",
    "an address space of 1 GB": "ulimit -v 1000000; exec {}",
    "an address space of 300 MB": "ulimit -v 300000; exec {}",
    "files of 10 kB": "ulimit -f 10; exec {}",
    "no HOME": "unset HOME XDG_CACHE_HOME; exec {}",
    "a HOME that cannot be written": "HOME=/sys exec {}",
    "a HOME that is not there": "HOME=/nonexistent exec {}",
    "no TMPDIR": "unset TMPDIR; exec {}",
    "a TMPDIR that is not there": "TMPDIR=/nonexistent exec {}",
    "no stdin": "exec {} <&-",
    "no stdout": "exec {} >&-",
    "no stderr": "exec {} 2>&-",
    "no standard streams": "exec {} <&- >&- 2>&-",
    "the C locale": "LC_ALL=C exec {}",
    "no network": "exec unshare -n {}",
    "another user": "exec setpriv --reuid 65534 --regid 65534 --clear-groups {}",
}


def limits() -> Counter[str]:
    """Run once under each limit."""
    results = Counter[str]()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        source = film(Path(folder, "né in.mp4"))
        source.chmod(0o644)
        for name, script in LIMITS.items():
            output = Path(folder, name.replace(" ", "_"), "né.mkv")
            output.parent.mkdir(mode=0o777)
            output.parent.chmod(0o777)
            line = script.format('"$@"')
            command = ["sh", "-c", line, "sh", *COMMAND, source, output, *OPTIONS]
            environment = {key: value for key, value in os.environ.items() if key != "VS_ESPCN_CACHE"}
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_LIMIT,
            )
            ended = Ended(done.returncode, (done.stdout + done.stderr).decode(errors="replace"))
            if ended.code in {126, 127}:  # the shell's; as where another user may not read the interpreter
                print(f"{name}: not run here: {ended.said}", flush=True)
                continue
            try:
                result = check(ended, output, {1})
            except AssertionError as error:
                result = f"FAILED: {str(error)[:2000]}"
            print(f"{name}: {result}", flush=True)
            results["failed" if result.startswith("FAILED") else "held"] += 1
    return results


def many(count: int) -> Counter[str]:
    """Upscale again and again in one process; descriptors and threads must not grow."""
    load_libraries()
    from vs_espcn import cli  # noqa: PLC0415

    def held() -> tuple[int, int]:
        return len([*Path("/proc/self/fd").iterdir()]), len([*Path("/proc/self/task").iterdir()])

    early = (0, 0)
    with TemporaryDirectory() as folder:
        source, output = film(Path(folder, "in.mp4"), 5), Path(folder, "out.mkv")
        for number in range(count):
            sys.argv = ["vs-espcn", "-q", "upscale", *map(str, (source, output)), *OPTIONS, "--overwrite"]
            with suppress(SystemExit):
                cli.main()
            if number == min(19, count // 2):
                early = held()
        assert decoded_frames(output) == 5
        late = held()
    assert late[0] <= early[0] + 2, (early, late)
    assert late[1] <= early[1] + 2, (early, late)
    return Counter({f"descriptors and threads early {early}, late {late}": count})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("signals", "disk", "limits", "many"))
    parser.add_argument("count", type=int, nargs="?", default=50)
    given = parser.parse_args()
    results = {
        "signals": lambda: signals(given.count),
        "disk": lambda: full_disks(given.count),
        "limits": limits,
        "many": lambda: many(given.count),
    }[given.what]()
    for result, number in sorted(results.items()):
        print(f"{number:4} × {result}")
    if results["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
