"""The command that renews docs/measurements/quality.md."""

import subprocess
import sys
from pathlib import Path

from tests.evaluation.pictures import folder_of

ROOT = Path(__file__).parents[2]
PAGE = """# Page

```console
vs-espcn evaluate $DATA/set --scale 2 \\
  --method bicubic
```

<!-- output -->
old
<!-- end of output -->

Text.
"""


def renew(data: Path, page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "dev" / "quality.py", data, page]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_output_is_pasted_below_its_command(tmp_path: Path) -> None:
    (tmp_path / "some data").mkdir()
    folder_of(tmp_path / "some data" / "set")
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    done = renew(tmp_path / "some data", page)
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    head, tail = PAGE.split("old")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert "| method | set x2 |\n| --- | --- |\n| bicubic | " in text


def test_a_failing_command_leaves_the_page_whole(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert renew(tmp_path, page).returncode != 0
    assert page.read_text() == PAGE


def test_the_page_shows_a_table_below_each_command() -> None:
    text = (ROOT / "docs" / "measurements" / "quality.md").read_text(encoding="utf-8")
    outputs = [part.split("<!-- end of output -->")[0] for part in text.split("<!-- output -->")[1:]]
    assert len(outputs) == text.count("vs-espcn evaluate $DATA") + text.count("vs-espcn evaluate --scale")
    assert all("| espcn |" in output for output in outputs)
