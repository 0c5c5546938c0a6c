"""Run the commands in docs/measurements/quality.md, and paste their output below them.

uv run --extra train python scripts/dev/quality.py ../shared/data

The folder holds eval/Set5, eval/Set14 and video/; the commands call it $DATA.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(
    r"```console\n(?P<command>vs-espcn evaluate .*?)\n```\n\n"
    r"<!-- output -->\n.*?<!-- end of output -->",
    re.DOTALL,
)


def run(command: str, data: Path) -> str:
    """Run a command in the repository's root, and return its output."""
    words = shlex.split(command.replace("\\\n", " ").replace("$DATA", shlex.quote(str(data))))
    sys.stderr.write(f"$ {shlex.join(words)}\n")
    done = subprocess.run(
        [sys.executable, "-m", "vs_espcn", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def main(data: Path, page: Path) -> None:
    """Bring a page up to date; if a command fails, the page is not changed."""

    def renewed(shown: re.Match[str]) -> str:
        command = shown["command"]
        output = run(command, data)
        return f"```console\n{command}\n```\n\n<!-- output -->\n\n{output}\n<!-- end of output -->"

    text, count = SHOWN.subn(renewed, page.read_text(encoding="utf-8"))
    if not count:
        sys.exit(f"{page} shows no vs-espcn evaluate command with an output below it")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit("usage: quality.py DATA [PAGE]")
    main(
        Path(sys.argv[1]).resolve(),
        Path(sys.argv[2]) if sys.argv[2:] else ROOT / "docs" / "measurements" / "quality.md",
    )
