"""Renew the table of engines/README.md from what the files themselves say.

uv run python scripts/model_cards.py
"""

from pathlib import Path

from pages import paste

from vs_espcn.models import load_network, network_metadata, shipped

PAGE = Path(__file__).parents[1] / "engines" / "README.md"
COLUMNS = {
    "activation": "activation",
    "recipe": "recipe",
    "degradation": "degradation",
    "images": "images",
    "steps": "steps",
    "hours": "hours",
    "seed": "seed",
    "validation_psnr": "held out, dB",
}


def table() -> str:
    """One row per shipped network."""
    lines = [["file", *COLUMNS.values()], ["---"] * (1 + len(COLUMNS))]
    for spec in shipped():
        facts = {"degradation": "clean"} | network_metadata(load_network(spec.path))
        lines.append([f"`{spec.path.name}`", *(facts.get(name, "–") for name in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    paste(PAGE, {"cards": table()})
