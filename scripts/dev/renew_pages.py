"""Renew every table that is made from committed figures, or check that none is stale.

uv run --group dev python scripts/dev/renew_pages.py [--check]
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import model_cards
import performance_page
import realtime_table
from pages import paste

ROOT = Path(__file__).parents[2]
PAGES: Mapping[Path, Callable[[], dict[str, str]]] = {
    ROOT / "engines" / "README.md": lambda: {"cards": model_cards.cards()},
    ROOT / "docs" / "reference" / "networks.md": lambda: {"reached": model_cards.reached()},
    realtime_table.PAGE: lambda: {"sustained": realtime_table.tables()},
    performance_page.PAGE: performance_page.tables,
}
"""Pages, each with a function that returns its tables by the names of their marks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is stale")
    check = parser.parse_args().check
    stale = False
    for page, tables in PAGES.items():
        before = page.read_text(encoding="utf-8")
        paste(page, tables())
        if page.read_text(encoding="utf-8") == before:
            continue
        if check:
            page.write_text(before, encoding="utf-8")
        stale = True
        print(f"{page.relative_to(ROOT)} {'is stale' if check else 'was renewed'}")
    if check and stale:
        sys.exit("run scripts/dev/renew_pages.py, and commit the changes")


if __name__ == "__main__":
    main()
