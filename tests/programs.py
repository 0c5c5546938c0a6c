"""Programs as a user runs them: VapourSynth's tools, ours and ffmpeg on PATH, and a home of their own."""

import os
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"

Environment = dict[str, str]


def with_our_programs() -> Environment:
    """This process's variables, and the programs of its Python on PATH, where vspipe looks for it."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def environment_in(folder: Path) -> Environment:
    """Variables for a child process: home and tools in `folder`, and the package of this tree."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(tools), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "VS_ESPCN_CACHE": os.environ["VS_ESPCN_CACHE"],
    }


def run(
    *command: str | Path, env: Environment, code: int = 0, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that must end with `code`."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, check=False, timeout=120)
    assert done.returncode == code, done.stderr.decode()
    return done
