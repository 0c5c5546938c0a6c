"""Renew the tables of engines/README.md and docs/reference/networks.md from the networks and their quality.

uv run python scripts/dev/model_cards.py

The facts come from the files' metadata, the figures from engines/quality.json.
"""

from pathlib import Path

from pages import paste

from vs_espcn.networks.quality import quality_of
from vs_espcn.networks.registry import INT8_SUFFIX, in_int8, load_network, network_metadata, shipped

ROOT = Path(__file__).parents[2]
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


def cards() -> str:
    """Return a table of facts about each shipped network."""
    lines = [["file", *COLUMNS.values()], ["---"] * (1 + len(COLUMNS))]
    for spec in shipped():
        facts = {"degradation": "bicubic"} | network_metadata(load_network(spec.path))
        lines.append([f"`{spec.path.name}`", *(facts.get(name, "–") for name in COLUMNS)])
    return _joined(lines)


def reached() -> str:
    """Return a table of the measured quality of each network and of its int8 form."""
    head = [
        "network",
        "scale",
        "Set5 / Set14, bicubic",
        "Set5, seven kernels",
        "video",
        "anime",
        "int8: kernels, video",
    ]
    lines = [head, ["---"] * len(head)]
    for spec in shipped():
        quality = quality_of(spec)
        if spec.network.endswith(INT8_SUFFIX) or quality is None:
            continue
        int8 = in_int8(spec)
        coded = quality_of(int8) if int8 else None
        lines.append(
            [
                f"`{spec.network}`",
                f"x{spec.scale}",
                f"{quality.set5:.2f} / {quality.set14:.2f}",
                f"{quality.kernels:.2f}",
                f"{quality.video:.2f}",
                f"{quality.anime:.2f}",
                f"{coded.kernels:.2f}, {coded.video:.2f}" if coded else "–",
            ]
        )
    return _joined(lines)


def _joined(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    paste(ROOT / "engines" / "README.md", {"cards": cards()})
    paste(ROOT / "docs" / "reference" / "networks.md", {"reached": reached()})
