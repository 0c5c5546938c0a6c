"""Check that all dependencies have wheels for the supported systems.

    python3 scripts/dev/platforms.py

Prints a table and the missing packages. Needs uv and a package index; installs nothing.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.12", "3.13", "3.14")
PLATFORMS = {
    "Windows x64": "x86_64-pc-windows-msvc",
    "Windows on Arm": "aarch64-pc-windows-msvc",
    "macOS 15, Apple silicon": "aarch64-apple-darwin",
    "macOS 15, Intel": "x86_64-apple-darwin",
    "Linux x86-64, glibc 2.28": "x86_64-manylinux_2_28",
    "Linux Arm, glibc 2.35": "aarch64-manylinux_2_35",
}
MACOS = "15.0"
"""The oldest macOS with wheels of BestSource."""


def missing_in(python: str, platform: str) -> str | None:
    """Return uv's message on missing wheels; None if all are found."""
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS}
    with TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--only-binary",
            ":all:",
        ]
        command += ["--python-version", python, "--python-platform", platform]
        command += ["--output-file", f"{folder}/requirements.txt", str(ROOT / "pyproject.toml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    return None if not done.returncode else " ".join(done.stderr.split())


def main() -> None:
    """Print the table."""
    missing: list[str] = []
    print("| system | " + " | ".join(f"Python {python}" for python in PYTHONS) + " |")
    print("| --- |" + " --- |" * len(PYTHONS))
    for name, platform in PLATFORMS.items():
        cells = []
        for python in PYTHONS:
            reason = missing_in(python, platform)
            cells.append("no" if reason else "yes")
            if reason:
                missing.append(f"{name}, Python {python}: {reason}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print("\n".join(["", *missing]))


if __name__ == "__main__":
    main()
