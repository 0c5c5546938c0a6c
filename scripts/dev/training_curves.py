"""Draw training curves from the tables that training writes next to its checkpoints.

uv run --extra train python scripts/dev/training_curves.py docs/curves docs/training_curves.png

A panel by hours for each scale of the shipped networks (espcn_x2.csv …), and
one by steps for the baselines (all other files).
"""

import math
import re
import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vs_espcn.training.history import read_history

SHIPPED = re.compile(r"(espcn(-int8)?|subpixel-[sml](-video|-anime)?)_x\d+")
COLUMNS = 4


def draw_shipped(panel: Axes, path: Path) -> None:
    """Draw validation and learning rate of one run by hours."""
    rows = read_history(path)
    hours = [row.hours for row in rows]
    panel.plot(hours, [row.psnr for row in rows], color="C0")
    panel.set_title(path.stem, fontsize=9)
    panel.set_xlabel("hours", fontsize=8)
    rate = panel.twinx()
    rate.plot(hours, [row.rate for row in rows], color="C7", linewidth=0.8, linestyle=":")
    rate.set_yticks([])


def draw_baselines(panel: Axes, paths: list[Path]) -> None:
    """Draw validation of several runs by steps."""
    for path in paths:
        rows = read_history(path)
        panel.plot([row.step for row in rows], [row.psnr for row in rows], label=path.stem, linewidth=1)
    panel.set_title("T91, 2000 steps", fontsize=9)
    panel.set_xlabel("steps", fontsize=8)
    panel.set_ylim(bottom=29.5)  # earlier the running mean of the weights is still far off
    panel.legend(fontsize=7)


def main(folder: Path, output: Path) -> None:
    """Draw every table of a folder."""
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        sys.exit(f"no .csv files in {folder}; give a folder with the tables of training runs")
    shipped = [path for path in paths if SHIPPED.fullmatch(path.stem)]
    baselines = [path for path in paths if path not in shipped]
    count = len(shipped) + bool(baselines)
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(3.4 * columns, 2.8 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)[:count]
    for panel in list(grid.flat)[count:]:
        panel.remove()
    for panel, path in zip(panels, shipped, strict=False):
        draw_shipped(panel, path)
    if baselines:
        draw_baselines(panels[-1], baselines)
    for panel in panels:
        panel.tick_params(labelsize=7)
        panel.grid(alpha=0.3)
    for panel in grid[:, 0]:
        panel.set_ylabel("held out, dB", fontsize=8)
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: training_curves.py FOLDER OUTPUT.png")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
