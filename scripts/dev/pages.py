"""Put tables into the pages of docs/, between marks."""

import re
import sys
from collections.abc import Mapping, Sequence
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


def pivot(head: Sequence[str], cells: Mapping[tuple[str, ...], str]) -> str:
    """Return a Markdown table of cells.

    Args:
        head: Headings of the columns that name a row.
        cells: Text of each cell by the names of its row and its column, in the order of both.
            Missing cells become dashes.
    """
    columns = list(dict.fromkeys(names[-1] for names in cells))
    rows = dict.fromkeys(names[:-1] for names in cells)
    return table(
        [*head, *columns], [[*row, *(cells.get((*row, name), "–") for name in columns)] for row in rows]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of headings and rows of cells."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])
