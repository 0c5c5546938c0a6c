"""Measure what the paper claims, and put tables and pictures into docs/measurements/paper.md.

uv run --group dev python scripts/dev/paper_claims.py ../shared/data [PART ...]

The folder holds eval/Set5, eval/Set14, train/bsds200 and video; what is not there is named and left out.
Without parts, all are renewed. Networks run in OpenVINO in float32 on one core; milliseconds are CPU time,
so that other programs count for little, and are taken in interleaved rounds, so that a drifting clock slows
all alike.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import paper_figures
import paper_steps
import paper_tables
from pages import paste
from paper_networks import ROOT

PAGE = ROOT / "docs" / "measurements" / "paper.md"


def _filters(_: Path) -> str:
    paper_figures.draw_filters(paper_figures.FILTERS)
    return "![Filters of the first and the last layer](../paper_filters.png)"


def _speed(data: Path) -> str:
    points = paper_figures.draw_speed(data, paper_figures.SPEED)
    return f"![PSNR against time per image](../paper_speed.png)\n\n{points}"


def _crops(data: Path) -> str:
    told = paper_figures.draw_crops(data, paper_figures.CROPS)
    return f"![Part of a frame, upscaled by each](../paper_crops.png)\n\n{told}"


PARTS: dict[str, Callable[[Path], str]] = {
    "filters": _filters,
    "crops": _crops,
    "first": paper_tables.first_table,
    "activations": paper_tables.activations,
    "second": paper_tables.second_table,
    "speed": _speed,
    "video": paper_tables.video,
    "costs": lambda _: paper_tables.costs(),
    "layers": lambda _: paper_steps.layer_table(),
    "shuffle": lambda _: paper_steps.shuffle_table(),
    "fusion": lambda _: paper_tables.fusion(),
}
"""What makes each part of the page, by the name of its mark."""


def main(data: Path, parts: list[str]) -> None:
    """Renew parts one by one; each is in the page as soon as it is made."""
    if not data.is_dir():
        sys.exit(f"{data} is no folder; give the one that holds eval, train and video")
    for part in parts:
        sys.stderr.write(f"{part}\n")
        paste(PAGE, {part: PARTS[part](data)})


if __name__ == "__main__":
    wanted = sys.argv[2:] or list(PARTS)
    if len(sys.argv) < 2 or not PARTS.keys() >= set(wanted):
        sys.exit(f"usage: paper_claims.py DATA [PART ...]; parts are {', '.join(PARTS)}")
    main(Path(sys.argv[1]), wanted)
