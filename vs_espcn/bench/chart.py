"""Bars of frame rates as a PNG."""

import io
from collections.abc import Sequence
from itertools import groupby

from matplotlib.figure import Figure

from vs_espcn.bench.cpu import FILTER, CpuResult


def draw(results: Sequence[CpuResult]) -> bytes:
    """Draw a panel per scale, ours in another colour.

    Args:
        results: Of one run.

    Returns:
        A PNG file.
    """
    panels = [(scale, list(of_scale)) for scale, of_scale in groupby(results, lambda each: each.scale)]
    figure = Figure(figsize=(9, 0.8 + 0.26 * len(results)), layout="constrained")
    heights = [len(of_scale) for _, of_scale in panels]
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for (scale, of_scale), axis in zip(panels, axes[:, 0], strict=True):
        rows = sorted(of_scale, key=lambda each: each.fps)
        labels = [_label(each) for each in rows]
        colours = ["C1" if each.name == FILTER else "C7" for each in rows]
        bars = axis.barh(labels, [each.fps for each in rows], color=colours)
        axis.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        axis.set_xscale("log")
        axis.set_title(f"x{scale} to {rows[0].size}, frames per second", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100, format="png")
    return buffer.getvalue()


def _label(result: CpuResult) -> str:
    return " ".join(word for word in (result.name, result.network, result.precision) if word)
