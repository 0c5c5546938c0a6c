"""What the guides say: their commands run, their error texts are the code's."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.media import H264, ffmpeg, video, with_sound
from tests.programs import ROOT, Environment, environment_in

PAGES = ("README.md", *(f"docs/{name}.md" for name in ("encoding", "piping", "realtime", "troubleshooting")))

STAND_INS = {
    "python3 -m pip install uv && python3 -m uv run vs-espcn": "vs-espcn",
    "python3 -m uv run vs-espcn": "vs-espcn",
    "python3 scripts/cluster.py": "python scripts/cluster.py",
    "-f v4l2 -i /dev/video0": "-re -i input.mp4",
    "-i rtmp://example.org/live/in": "-re -i input.mp4",
    "-f flv rtmp://example.org/live/out": "out.mkv",
    "-f mpegts udp://127.0.0.1:1234": "-f mpegts out.ts",
    "testsrc2=s=960x540:r=30:d=20": "testsrc2=s=96x54:r=30:d=0.2",
    " --backend tensorrt": "",
    "ffplay -": "ffmpeg -v error -i - -f null -",
}
"""What a page names and a test has not: devices, addresses, a display, minutes."""

NEEDS = {r"\| x265 ": "x265", r"cluster\.py": "ray"}
"""Commands that are skipped where a program is absent."""

RUNS_THE_TESTS = "uv run --group dev pytest"


@dataclass(frozen=True)
class Command:
    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{Path(self.page).stem}:{self.line}"


def commands() -> Iterator[Command]:
    """The commands of the pages' ```sh blocks; a backslash at a line's end continues it."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.finditer(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, block.start(1)) + 1
            for command in re.findall(r"(?:.*\\\n)*.+\n", block[1]):
                yield Command(page, line, command.strip())
                line += command.count("\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the pages name."""
    folder = tmp_path_factory.mktemp("files")
    with_sound(folder / "input.mp4", frames=5)
    shutil.copy(folder / "input.mp4", folder / "-odd.mp4")
    # Two frames at the beginning, two after 12:30.
    late = ("-vf", "setpts=if(lt(N\\,2)\\,N\\,N+750*25)/25/TB", "-fps_mode", "vfr")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.16", *late, *H264, folder / "film.mkv")
    for name in ("season1", "extras"):
        (folder / name).mkdir()
    video(folder / "season1" / "1.mp4", frames=2)
    video(folder / "extras" / "trailer.mov", frames=2)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?set_output.*?)```", readme, re.DOTALL)
    assert script
    (folder / "script.vpy").write_text(script[1])
    (folder / "scripts").symlink_to(ROOT / "scripts")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environment_in(tmp_path) | {"RETRIES": "1", "WAIT": "0"}


@pytest.mark.parametrize("command", list(commands()), ids=str)
def test_a_command_runs(command: Command, files: Path, tmp_path: Path, environment: Environment) -> None:
    if RUNS_THE_TESTS in command.text:
        pytest.skip("it runs this suite")
    for pattern, program in NEEDS.items():
        if re.search(pattern, command.text) and not shutil.which(program, path=environment["PATH"]):
            pytest.skip(f"{program} is not installed")
    text = command.text
    for shown, instead in STAND_INS.items():
        text = text.replace(shown, instead)
    folder = tmp_path / "folder"
    shutil.copytree(files, folder, symlinks=True)
    before = set(folder.rglob("*"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    # The loop ends by itself only where its source does, which here is a file.
    assert done.returncode == ("scripts/live.sh" in text), done.stderr.decode()
    made = [path for path in set(folder.rglob("*")) - before if path.is_file()]
    assert all(path.stat().st_size for path in made)
    assert made or done.stdout or "null" in text


@cache
def messages() -> list[str]:
    """All texts that the package's calls are given, with `…` for what is put in."""
    found = []
    for path in (ROOT / "vs_espcn").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                found += [_template(argument) for argument in call.args]
    return [" ".join(text.split()) for text in found if text]


def _template(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_template, parts))
        case ast.FormattedValue():
            return "…"
    return ""


def quoted() -> list[str]:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    ours, _, _ = page.partition("## From other programs")
    return re.findall(r"^### `(.*)`$", ours, re.MULTILINE)


@pytest.mark.parametrize("text", quoted())
def test_an_error_text_is_one_of_the_code(text: str) -> None:
    pattern = ".*".join(map(re.escape, text.split("…")))
    assert any(re.search(pattern, message) for message in messages())


def test_a_text_that_the_code_lacks_is_seen() -> None:
    assert len(quoted()) >= 20
    assert not any("no such message" in message for message in messages())
