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

from tests.hardware import why_no_vulkan
from tests.media import H264, ffmpeg, pattern, video, with_sound
from tests.programs import ROOT, Environment, environment_in

PAGES = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")))

STAND_INS = {
    "python3 -m pip install uv && python3 -m uv run vs-espcn": "vs-espcn",
    "python3 -m uv run vs-espcn": "vs-espcn",
    "python3 scripts/cluster.py": "python scripts/cluster.py",
    "-f v4l2 -i /dev/video0": "-re -i input.mp4",
    "-i rtmp://example.org/live/in": "-re -i input.mp4",
    "-f flv rtmp://example.org/live/out": "out.mkv",
    "-f mpegts udp://127.0.0.1:1234": "-f mpegts out.ts",
    "testsrc2=s=960x540:r=30:d=20": "testsrc2=s=96x54:r=30:d=0.2",
    "ffplay -": "ffmpeg -v error -i - -f null -",
    "--device GPU": "--device CPU",
    "--width 1440": "--width 144",
    "--height 1080": "--height 108",
}
"""What a page names and a test has not: devices, addresses, a display, minutes, large pictures."""

NEEDS = {r"\| x265 ": "x265", r"cluster\.py": "ray"}
"""Commands that are left out where a program is absent."""

NEEDS_A_GPU = ("docs/guides/gpu.md",)
"""Pages whose commands run on GPUs, and install what runs there."""

RUNS_THE_TESTS = "uv run --group dev pytest"

BLOCK = re.compile(
    r"^```(?P<kind>\w+)(?: title=\"(?P<title>[\w.-]+)\")?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Step:
    """A command of a page; or a file of it, which is to be written."""

    line: int
    text: str
    file: str | None = None


def steps(page: str) -> Iterator[Step]:
    """What a page has its reader do, in order: ```sh blocks and files with titles.

    A backslash at a line's end continues a command.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("text")) + 1
        if block["title"]:
            yield Step(line, block["text"], block["title"])
        elif block["kind"] == "sh":
            for command in re.findall(r"(?:.*\\\n)*.+\n", block["text"]):
                yield Step(line, command.strip())
                line += command.count("\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the pages name."""
    folder = tmp_path_factory.mktemp("files")
    with_sound(folder / "input.mp4", frames=5)
    # Two frames at the beginning, two after 12:30.
    late = ("-vf", "setpts=if(lt(N\\,2)\\,N\\,N+750*25)/25/TB", "-fps_mode", "vfr")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.16", *late, *H264, folder / "film.mkv")
    fields = ("-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ilme+ildct", "-c:v", "mpeg2video")
    ffmpeg(*pattern(8, rate=50), *fields, folder / "dvd.mkv")
    pq = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    ffmpeg(*pattern(3), "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", *pq, folder / "hdr.mkv")
    for name in ("season1", "extras", "photos"):
        (folder / name).mkdir()
    video(folder / "season1" / "1.mp4", frames=2)
    video(folder / "extras" / "trailer.mov", frames=2)
    ffmpeg(*pattern(30, "160x120"), "-pix_fmt", "rgb24", folder / "photos" / "%02d.png")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environment_in(tmp_path) | {"RETRIES": "1", "WAIT": "0"}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(not step.file for step in steps(page))])
def test_a_pages_commands_run_in_order(
    page: str, files: Path, tmp_path: Path, environment: Environment
) -> None:
    if page in NEEDS_A_GPU:
        pytest.skip("its commands need a GPU")
    folder = tmp_path / "folder"
    shutil.copytree(files, folder, symlinks=True)
    for step in steps(page):
        if step.file:
            (folder / step.file).write_text(step.text)
        elif not is_left_out(step.text, environment):
            follow(step, folder, environment)


def is_left_out(text: str, environment: Environment) -> bool:
    """True if a command runs this suite, or needs a program that is absent."""
    absent = [
        program
        for pattern, program in NEEDS.items()
        if re.search(pattern, text) and not shutil.which(program, path=environment["PATH"])
    ]
    return (
        RUNS_THE_TESTS in text or bool(absent) or ("--backend vulkan" in text and why_no_vulkan() is not None)
    )


def follow(step: Step, folder: Path, environment: Environment) -> None:
    """Run a command, which must succeed and make something."""
    text = step.text
    for shown, instead in STAND_INS.items():
        text = text.replace(shown, instead)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=300,
    )
    # The loop ends by itself only where its source does, which here is a file.
    assert done.returncode == ("scripts/live.sh" in text), f"line {step.line}: {text}\n{done.stderr.decode()}"
    made = [
        path for path in folder.rglob("*") if path.is_file() and before.get(path) != path.stat().st_mtime_ns
    ]
    assert all(path.stat().st_size for path in made), f"line {step.line}"
    assert made or done.stdout or "null" in text, f"line {step.line}: it made nothing"


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
    page = (ROOT / "docs" / "reference" / "troubleshooting.md").read_text(encoding="utf-8")
    ours, _, _ = page.partition("## From other programs")
    return re.findall(r"^### `(.*)`$", ours, re.MULTILINE)


@pytest.mark.parametrize("text", quoted())
def test_an_error_text_is_one_of_the_code(text: str) -> None:
    pattern = ".*".join(map(re.escape, text.split("…")))
    assert any(re.search(pattern, message) for message in messages())


def test_a_text_that_the_code_lacks_is_seen() -> None:
    assert len(quoted()) >= 20
    assert not any("no such message" in message for message in messages())
