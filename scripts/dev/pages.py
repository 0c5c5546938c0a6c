"""Tables that the scripts beside it put into the pages of docs/, between marks."""

import re
import sys
from pathlib import Path


def paste(page: Path, tables: dict[str, str]) -> None:
    """Put each table between its two marks."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text, count = marks.subn(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)
        if count != 1:
            sys.exit(f"{page} has {count} places marked <!-- {name} -->; one is needed")
    page.write_text(text, encoding="utf-8")
