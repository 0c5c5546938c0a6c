"""Renew the tables of docs/measurements/performance.md from docs/performance.json.

`vs-espcn bench --json` writes that file; bench_shares, bench_growth, bench_start and bench_encode add to it.

python3 scripts/dev/performance_page.py
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pages import paste, pivot, table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "measurements" / "performance.md"
LIBRARIES = (
    "vapoursynth",
    "openvino",
    "vapoursynth-mlrt-ov",
    "vapoursynth-mlrt-ort",
    "opencv-python-headless",
)

USUAL_HEIGHTS = (270, 540, 720, 1080, 2160)

Row = dict[str, Any]


def tables() -> dict[str, str]:
    """Return every table by the name of its mark."""
    figures = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {figures['versions'].get(name, 'not installed')}" for name in LIBRARIES)
    missing = [f"Not measured: {line}." for line in figures["missing"]]
    return {
        "machine": "\n".join([f"{figures['machine']}, {figures['date']}; {versions}.", *missing]),
        "results": _results(figures["results"]),
        "shares": _shares(figures["shares"]),
        "growth": _growth(figures["growth"]),
        "starts": _starts(figures["starts"]),
        "encodes": _encodes(figures["encodes"]),
    }


def _results(rows: Sequence[Row]) -> str:
    """Return frame rates, absolute and relative to vs-mlrt's plugin in fp32."""
    cells = {}
    for text, key in (("{:.3g}", "fps"), ("{:.2f}", "of_plugin")):
        for row in rows:
            of = "fps" if key == "fps" else "of vs-mlrt"
            names = (row["name"], row["network"] or "–", row["precision"] or "–", f"x{row['scale']}, {of}")
            cells[names] = text.format(row[key])
    return pivot(("who", "network", "precision"), cells)


def _shares(rows: Sequence[Row]) -> str:
    return pivot(
        ("precision",), {(row["precision"], f"x{row['scale']}"): f"{row['share']:.2f}" for row in rows}
    )


def _growth(rows: Sequence[Row]) -> str:
    """Return nanoseconds per output pixel; sizes of about the same height share a row."""
    return pivot(
        ("output", "cores"),
        {
            (_height(row["size"]), str(row["cores"]), f"x{row['scale']}"): f"{row['ns_per_pixel']:.1f}"
            for row in rows
        },
    )


def _height(size: str) -> str:
    """Return a size's common name: 1080p for 1920x1080, 270p for 480x272."""
    height = int(size.split("x")[1])
    return f"{min(USUAL_HEIGHTS, key=lambda usual: abs(usual - height))}p"


def _starts(rows: Sequence[Row]) -> str:
    head = ["scale", "import, s", "first frame, s"]
    return table(
        head,
        [
            [f"x{row['scale']}", f"{row['import_seconds']:.2f}", f"{row['first_frame_seconds']:.2f}"]
            for row in rows
        ],
    )


def _encodes(rows: Sequence[Row]) -> str:
    return pivot(
        ("network", "scale"),
        {
            (row["network"], f"x{row['scale']}", f"{row['precision']}, fps"): f"{row['fps']:.1f}"
            for row in rows
        },
    )


if __name__ == "__main__":
    paste(PAGE, tables())
