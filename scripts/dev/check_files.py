"""Upscale a few frames of every video in folders, and report faults in the outputs.

    python3 scripts/dev/check_files.py ~/videos --frames 20 --suffix .mkv --suffix .mp4
    python3 scripts/dev/check_files.py film.vob -- --start 10

What follows ``--`` goes to `vs-espcn upscale`. Files that it refuses are named with its reason. The exit
code is 1 if anything is wrong.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import file_check

from vs_espcn.encoding.ffmpeg import find_ffmpeg

_ENCODER = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12")


def files_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files themselves, and all below the folders."""
    for path in paths:
        yield from sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def check(path: Path, output: Path, frames: int | None, options: Sequence[str]) -> tuple[str, list[str]]:
    """Upscale a file; return why it was refused (else nothing), and what is wrong in the output."""
    limit = ("--frames", str(frames)) if frames else ()
    command = [sys.executable, "-m", "vs_espcn", "upscale", str(path), str(output), *limit, *options]
    done = subprocess.run([*command, "--", *_ENCODER], capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1], []
    ffmpeg = find_ffmpeg().path
    source, written = file_check.read(path, ffmpeg), file_check.read(output, ffmpeg)
    return "", file_check.differences(source, written, notes=done.stderr, frames=frames)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all files; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders")
    parser.add_argument("--frames", type=int, help="frames of each file; all by default")
    parser.add_argument("--suffix", action="append", help="of the outputs, several; .mkv by default")
    own, _, options = _split(sys.argv[1:] if arguments is None else arguments)
    chosen = parser.parse_args(own)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in files_in(chosen.paths):
            for suffix in chosen.suffix or [".mkv"]:
                refusal, found = check(
                    path, Path(folder) / f"out{suffix}", chosen.frames, [*options, "--overwrite"]
                )
                wrong += bool(found)
                print(f"{path} → {suffix}: {refusal or '; '.join(found) or 'as it was'}", flush=True)
    return 1 if wrong else 0


def _split(arguments: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Split at ``--``."""
    if "--" not in arguments:
        return list(arguments), "", []
    at = arguments.index("--")
    return list(arguments[:at]), "--", list(arguments[at + 1 :])


if __name__ == "__main__":
    sys.exit(main())
