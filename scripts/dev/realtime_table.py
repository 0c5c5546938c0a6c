"""Renew the table of docs/guides/live.md from docs/performance.json, which `vs-espcn bench --json` writes.

python3 scripts/dev/realtime_table.py
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages import paste, pivot

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "guides" / "live.md"
FILTER = "vs_espcn.upscale, whole clip"

Row = Mapping[str, Any]


def tables() -> str:
    """Return the frame rates of the whole filter in its slowest round."""
    figures = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    return f"{figures['machine']}, {figures['date']}, the slowest round:\n\n{by_scale(figures['results'])}"


def by_scale(results: Sequence[Row]) -> str:
    """Return a table with a row per network and precision, and a column per scale."""
    cells = {
        (row["network"], row["precision"], column(row)): str(int(row["slowest"]))
        for row in results
        if row["name"] == FILTER
    }
    return pivot(("network", "precision"), cells)


def column(row: Row) -> str:
    """Name a column by scale and source size."""
    width, height = (int(side) // row["scale"] for side in row["size"].split("x"))
    return f"x{row['scale']}, from {width}x{height}"


if __name__ == "__main__":
    paste(PAGE, {"sustained": tables()})
