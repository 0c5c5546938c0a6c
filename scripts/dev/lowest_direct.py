"""Install the lowest versions that pyproject.toml allows, and upscale with them.

    python3 scripts/dev/lowest_direct.py

Needs uv and a package index. Works in a temporary folder and prints the versions.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
UV = (sys.executable, "-m", "uv")
SCRIPT = """
import vapoursynth as vs
import vs_espcn
clip = vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length=3)
assert vs_espcn.upscale(clip, 2).get_frame(2).width == 128
"""
MAKE_CLIP = """
import subprocess, sys, imageio_ffmpeg
fields = ["-vf", "setfield=tff", "-c:v", "ffv1"]
source = ["-f", "lavfi", "-i", "testsrc2=d=0.4:s=64x48:r=25", "-f", "lavfi", "-i", "sine=d=0.4"]
subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *fields, sys.argv[1]], check=True)
"""


def main() -> None:
    """Run all steps; the first one that fails ends the script."""
    with TemporaryDirectory() as folder:
        environment = {
            name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}
        }
        environment["VS_ESPCN_CACHE"] = f"{folder}/cache"

        def run(*command: str) -> None:
            subprocess.run(command, check=True, cwd=folder, env=environment)

        bin_dir = Path(folder, "venv", "Scripts" if os.name == "nt" else "bin")
        python = str(bin_dir / "python")
        run(*UV, "venv", "--quiet", "--python", sys.executable, "venv")
        install = ("--quiet", "--no-config", "--resolution", "lowest-direct", "--only-binary", ":all:")
        run(*UV, "pip", "install", "--python", python, *install, "--no-binary", "vs-espcn", str(ROOT))
        run(*UV, "pip", "list", "--python", python)
        run(python, "-c", MAKE_CLIP, "fields.mkv")
        run(str(bin_dir / "vs-espcn"), "upscale", "fields.mkv", "film.mp4", "--deinterlace", "field")
        run(str(bin_dir / "vs-espcn"), "networks", "--no-time")
        run(python, "-c", SCRIPT)


if __name__ == "__main__":
    main()
