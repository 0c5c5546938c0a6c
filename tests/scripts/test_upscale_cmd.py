"""scripts/upscale.cmd, run by Wine's cmd where it is installed; programs of Wine's stand for vs-espcn."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import SCRIPTS

PROGRAMS = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows")
"""Wine's own programs for Windows."""

PRINTS_ITS_PATHS, FAILS = "winepath.exe", "taskkill.exe"


@pytest.fixture(scope="module")
def cmd(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the script with arguments; a program of Wine's is vs-espcn."""
    if not (shutil.which("wine") and PROGRAMS.is_dir()):
        pytest.skip("wine is not installed")
    folder = tmp_path_factory.mktemp("wine")
    environment = {**os.environ, "WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all"}

    def run(*arguments: str | Path, program: str = PRINTS_ITS_PATHS) -> subprocess.CompletedProcess[str]:
        shutil.copy(PROGRAMS / program, folder / "vs-espcn.exe")
        path = f"Z:{folder}".replace("/", "\\")
        script = f"Z:{SCRIPTS / 'upscale.cmd'}".replace("/", "\\")
        files = [f"Z:{argument}".replace("/", "\\") for argument in arguments]
        return subprocess.run(
            ["wine", "cmd", "/c", script, *files],
            env={**environment, "WINEPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow
def test_names_reach_the_command_as_they_are(
    cmd: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "a & b (1)"
    folder.mkdir()
    sources = [folder / "p!l^ain.mp4", folder / "&x; y=z, 'q'.avi"]
    done = cmd(*sources)
    lines = [line for line in done.stdout.splitlines() if line.startswith(str(folder))]
    assert lines == [str(name) for source in sources for name in (source, source.with_suffix(".x2.mkv"))]
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_failure_and_no_arguments_have_codes(
    cmd: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert cmd(tmp_path / "a.mp4", program=FAILS).returncode == 1
    usage = cmd()
    assert usage.returncode == 2
    assert usage.stderr.strip() == "usage: upscale.cmd VIDEO..."


def test_a_percent_sign_is_read_once() -> None:
    """Windows' cmd puts an argument in place of %1 and does not read it again, unless `call` or `!` is used.

    Wine's cmd does read it again, so names with a percent sign cannot be tried there.
    """
    lines = (SCRIPTS / "upscale.cmd").read_text().splitlines()
    commands = [line for line in lines if not line.startswith("rem")]
    assert "setlocal DisableDelayedExpansion" in commands
    assert not any(line.startswith(("call", "for")) for line in commands)
    named = [line for line in commands if "%~f1" in line or "%~dpn1" in line]
    assert named == ['vs-espcn upscale "%~f1" "%~dpn1.x2.mkv"'], "in quotes, which & and spaces need"
