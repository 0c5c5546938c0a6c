"""Renew the tables of docs/guides/live.md from docs/performance.json, which `vs-espcn bench --json` writes.

python3 scripts/dev/realtime_table.py
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pages import paste

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "guides" / "live.md"
FILTER = "vs_espcn.upscale, whole clip"
RATES = (24, 30, 60)

Row = Mapping[str, Any]


def tables() -> str:
    """What sustains which rate, by scale and precision, then by size and cores where that was measured."""
    figures = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    shown = [f"{figures['machine']}, {figures['date']}:", by_scale(figures["results"])]
    if figures["growth"]:
        shown += ["By size and cores:", by_size(figures["growth"])]
    return "\n\n".join(shown)


def by_scale(results: Sequence[Row]) -> str:
    """Whole-filter rows. A rate is sustained if the slowest round reaches it."""
    return table(
        ["network", "source", "output", "scale", "precision", "fps", "slowest round"],
        (([*_way(row), f"{row['fps']:.1f}"], row["slowest"]) for row in results if row["name"] == FILTER),
    )


def by_size(growth: Sequence[Row]) -> str:
    """The same by the size of the output and the cores it had."""
    return table(
        ["network", "source", "output", "scale", "precision", "cores", "fps"],
        (([*_way(row), row["cores"]], row["fps"]) for row in growth),
    )


def _way(row: Row) -> list[object]:
    """What ran, from which size to which."""
    width, height = map(int, row["size"].split("x"))
    source = f"{width // row['scale']}x{height // row['scale']}"
    return [row["network"], source, row["size"], row["scale"], row["precision"]]


def table(head: Sequence[str], rows: Iterable[tuple[Sequence[object], float]]) -> str:
    """Rows of cells and the frame rate that counts."""
    lines: list[Sequence[object]] = [[*head, *RATES], ["---"] * (len(head) + len(RATES))]
    for cells, fps in rows:
        lines.append([*cells, f"{fps:.1f}", *("yes" if fps >= rate else "no" for rate in RATES)])
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    paste(PAGE, {"sustained": tables()})
