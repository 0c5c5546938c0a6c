"""Draw the frame rates of `vs-espcn bench --json` as bars, the filter's in another colour.

python3 scripts/dev/bench_chart.py docs/performance.json docs/performance.png
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import bench_figures
from matplotlib.figure import Figure

from vs_espcn.bench.cpu import FILTER


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a panel for each scale."""
    panels = [(scale, list(of_scale)) for scale, of_scale in groupby(results, lambda row: row["scale"])]
    figure = Figure(figsize=(9, 0.8 + 0.26 * len(results)), layout="constrained")
    heights = [len(of_scale) for _, of_scale in panels]
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for (scale, of_scale), axis in zip(panels, axes[:, 0], strict=True):
        rows = sorted(of_scale, key=lambda row: row["fps"])
        labels = [" ".join(filter(None, (row["name"], row["network"], row["precision"]))) for row in rows]
        colours = ["C1" if row["name"] == FILTER else "C7" for row in rows]
        bars = axis.barh(labels, [row["fps"] for row in rows], color=colours)
        axis.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        axis.set_xscale("log")
        axis.set_title(f"x{scale} to {rows[0]['size']}, frames per second", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Write the picture."""
    parser = bench_figures.parser(__doc__)
    parser.add_argument("picture", type=Path, help="PNG file to write")
    given = parser.parse_args()
    draw(bench_figures.read(given.figures)["results"]).savefig(given.picture, dpi=100, format="png")


if __name__ == "__main__":
    main()
