"""Add every command's options to the pages while mkdocs builds them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = "reference/commands.md"
MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Replace the mark on the page of commands by the commands."""
    if page.file.src_uri != PAGE:  # type: ignore[attr-defined]
        return markdown
    if markdown.count(MARK) != 1:
        sys.exit(f"{PAGE} has {markdown.count(MARK)} places marked {MARK}; one is needed")
    return markdown.replace(MARK, commands())


def commands() -> str:
    """Return every command's arguments and options as Markdown."""
    command = [sys.executable, "-m", "typer", "vs_espcn.cli", "utils", "docs", "--name", "vs-espcn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    # The page has its own title and introduction; what precedes the first command repeats them.
    _, _, text = done.stdout.partition("\n## ")
    return re.sub(r"^\*\*(Usage|Options|Arguments|Commands)\*\*:$", r"\1:", f"## {text}", flags=re.MULTILINE)
