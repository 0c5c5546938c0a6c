"""Renew the tables of engines/README.md and docs/networks.md from what was trained and measured.

uv run python scripts/model_cards.py

The facts are those of the files themselves, the figures those of engines/quality.json.
"""

from pathlib import Path

from pages import paste

from vs_espcn.models import ModelSpec, find, in_int8, load_network, network_metadata, shipped
from vs_espcn.quality import quality_of

ROOT = Path(__file__).parents[1]
COLUMNS = {
    "activation": "activation",
    "recipe": "recipe",
    "degradation": "degradation",
    "data": "data",
    "images": "images",
    "steps": "steps",
    "hours": "hours",
    "seed": "seed",
    "validation_psnr": "held out, dB",
}
AIMS = {
    "subpixel-s": ("37.15 / 32.75", "33.05 / 29.5", "30.85 / 27.75"),
    "subpixel-m": ("37.3 / 32.85", "33.3 / 29.6", "31.0 / 27.85"),
    "subpixel-l": ("37.4 / 33.0", "33.5 / 29.75", "31.2 / 28.0"),
}
"""After published figures of such networks, at x2, x3 and x4: Set5 / Set14 in dB."""


def cards() -> str:
    """One row per shipped network."""
    lines = [["file", *COLUMNS.values()], ["---"] * (1 + len(COLUMNS))]
    for spec in shipped():
        facts = {"degradation": "bicubic"} | network_metadata(load_network(spec.path))
        lines.append([f"`{spec.path.name}`", *(facts.get(name, "–") for name in COLUMNS)])
    return _joined(lines)


def reached() -> str:
    """What the networks for clean sources reach beside what was aimed at."""
    lines = [["network", "scale", "aimed at", "in floats", "in int8", "hours"], ["---"] * 6]
    for network in ("espcn", *AIMS):
        for number, scale in enumerate((2, 3, 4)):
            spec = find(network, scale)
            hours = network_metadata(load_network(spec.path))["hours"]
            aim = AIMS[network][number] if network in AIMS else "–"
            figures = [_figures(each) for each in (spec, in_int8(spec))]
            lines.append([f"`{network}`", f"x{scale}", aim, *figures, hours])
    return _joined(lines)


def _joined(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figures(spec: ModelSpec | None) -> str:
    quality = quality_of(spec) if spec else None
    return f"{quality.set5:.2f} / {quality.set14:.2f}" if quality else "–"


if __name__ == "__main__":
    paste(ROOT / "engines" / "README.md", {"cards": cards()})
    paste(ROOT / "docs" / "networks.md", {"reached": reached()})
