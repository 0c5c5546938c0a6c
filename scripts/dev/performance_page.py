"""Renew the tables of docs/measurements/performance.md from docs/performance.json.

`vs-espcn bench --json` writes that file; bench_shares, bench_growth, bench_start and bench_encode add to it.

python3 scripts/dev/performance_page.py
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages import paste

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "measurements" / "performance.md"
LIBRARIES = (
    "vapoursynth",
    "openvino",
    "vapoursynth-mlrt-ov",
    "vapoursynth-mlrt-ort",
    "opencv-python-headless",
)

Row = dict[str, Any]

RESULTS = {
    "who": "{name}",
    "network": "{network}",
    "precision": "{precision}",
    "ms a frame": "{ms:.1f}",
    "fps": "{fps:.3g}",
    "slowest … fastest": "{slowest:.3g} … {fastest:.3g}",
    "of OpenVINO alone": "{of_raw}",
    "of vs-mlrt in fp32": "{of_plugin}",
}
SHARES = {
    "scale": "x{scale}",
    "precision": "{precision}",
    "network, 10⁹ operations/s": "{network:.0f}",
    "matrix product, 10⁹ operations/s": "{matrix:.0f}",
    "share": "{share:.2f}",
}
GROWTH = {
    "network": "{network}",
    "scale": "x{scale}",
    "precision": "{precision}",
    "output": "{size}",
    "cores": "{cores}",
    "fps": "{fps:.3g}",
    "ns per pixel": "{ns_per_pixel:.1f}",
}
STARTS = {
    "scale": "x{scale}",
    "import, s": "{import_seconds:.2f}",
    "first frame, s": "{first_frame_seconds:.2f}",
}
ENCODES = {
    "network": "{network}",
    "scale": "x{scale}",
    "precision": "{precision}",
    "frames": "{frames}",
    "fps": "{fps:.1f}",
}
"""Columns: what stands above each, and how it is made of a row."""


def tables() -> dict[str, str]:
    """Every table by the name of its place."""
    figures = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {figures['versions'].get(name, 'not installed')}" for name in LIBRARIES)
    missing = [f"Not measured: {line}." for line in figures["missing"]]
    return {
        "machine": "\n".join([f"{figures['machine']}, {figures['date']}; {versions}.", *missing]),
        "results": _results(figures["results"]),
        "shares": _table(SHARES, figures["shares"]),
        "growth": _table(GROWTH, figures["growth"]),
        "starts": _table(STARTS, figures["starts"]),
        "encodes": _table(ENCODES, figures["encodes"]),
    }


def _results(rows: Sequence[Row]) -> str:
    """A table per scale."""
    parts = []
    for scale in dict.fromkeys(row["scale"] for row in rows):
        of_scale = [
            {
                **row,
                "network": row["network"] or "–",
                "precision": row["precision"] or "–",
                **{
                    name: "–" if row[name] is None else f"{row[name]:.2f}" for name in ("of_raw", "of_plugin")
                },
            }
            for row in rows
            if row["scale"] == scale
        ]
        parts.append(f"**x{scale} to {of_scale[0]['size']}**\n\n{_table(RESULTS, of_scale)}")
    return "\n\n".join(parts)


def _table(columns: Mapping[str, str], rows: Sequence[Row]) -> str:
    cells = [[form.format(**row) for form in columns.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(columns), ["---"] * len(columns), *cells])


if __name__ == "__main__":
    paste(PAGE, tables())
