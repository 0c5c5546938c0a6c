"""Draw speed against PSNR: the filter, vs-mlrt's plugins, OpenCV and bicubic.

python3 scripts/dev/bench_chart.py docs/performance.json docs/performance.png

Speeds of whole clips come from `vs-espcn bench --json`. PSNR comes from engines/quality.json: Set5 reduced by
each of seven kernels. Networks without an entry, such as int8 forms that are not shipped, are left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bench_figures
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from vs_espcn.bench.cpu import FILTER
from vs_espcn.errors import EspcnError
from vs_espcn.networks import registry
from vs_espcn.networks.quality import quality_of

MARKERS = {
    FILTER: ("vs-espcn", "o"),
    "core.ov.Model, whole clip": ("vs-mlrt, OpenVINO", "s"),
    "core.ort.Model, whole clip": ("vs-mlrt, ONNX Runtime", "^"),
    "OpenCV dnn, whole clip": ("OpenCV dnn", "D"),
    "zimg bicubic, whole clip": ("zimg bicubic", "X"),
}
COLOURS = {"espcn": "C0", "subpixel-s": "C1", "subpixel-m": "C2", None: "0.4"}
LABELS = {"espcn": -24, "subpixel-s": -15, "subpixel-m": 8}
"""Offset of a label above its mark in points, so that labels of similar networks don't overlap."""

BICUBIC = {2: 33.45, 3: 30.22, 4: 28.23}
"""PSNR of bicubic by scale, from docs/measurements/quality.md."""


class Point(NamedTuple):
    """One contestant: who, network, precision, frames per second, PSNR in dB."""

    who: str
    network: str | None
    precision: str | None
    fps: float
    psnr: float


def points(results: Sequence[dict[str, Any]], scale: int) -> Iterator[Point]:
    """Yield the contestants whose PSNR is known."""
    for row in results:
        if row["scale"] == scale and row["name"] in MARKERS:
            network = row["network"] or None
            psnr = psnr_of(network, row["precision"], scale)
            if psnr is not None:
                yield Point(row["name"], network, row["precision"], row["fps"], psnr)


def psnr_of(network: str | None, precision: str | None, scale: int) -> float | None:
    """Return the PSNR of a network at a precision, or of bicubic; None if it was not measured."""
    if network is None:
        return BICUBIC[scale]
    try:
        spec = registry.find(network + registry.INT8_SUFFIX * (precision == "int8"), scale)
    except EspcnError:
        return None
    quality = quality_of(spec)
    return quality.kernels if quality else None


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a panel for each scale."""
    scales = sorted({row["scale"] for row in results})
    figure = Figure(figsize=(4 * len(scales), 4.2), layout="constrained")
    for scale, axis in zip(scales, figure.subplots(1, len(scales), squeeze=False)[0], strict=True):
        for point in points(results, scale):
            plot(axis, point)
        axis.set_xscale("log")
        axis.set_xticks([5, 10, 24, 60, 120, 300], minor=False)
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.minorticks_off()
        axis.set_title(f"x{scale} to 1920x1080", fontsize=10)
        axis.set_xlabel("frames per second", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(0.12)
    figure.axes[0].set_ylabel("PSNR in dB, Set5, mean of seven kernels", fontsize=9)
    figure.legend(
        handles=legend(figure.axes[0]), loc="outside lower center", ncols=8, fontsize=8, frameon=False
    )
    return figure


def plot(axis: Axes, point: Point) -> None:
    """Mark one contestant; the filter's points are labelled with their precision."""
    _, marker = MARKERS[point.who]
    ours = point.who == FILTER
    axis.plot(
        point.fps,
        point.psnr,
        marker,
        color=COLOURS[point.network],
        markersize=8 if ours else 6,
        fillstyle="full" if ours else "none",
    )
    if ours:
        axis.annotate(
            str(point.precision),
            (point.fps, point.psnr),
            textcoords="offset points",
            xytext=(0, LABELS[point.network]),
            ha="center",
            fontsize=7,
            color=COLOURS[point.network],
        )


def legend(axis: Axes) -> list[Any]:
    """Return the legend's entries for marks and colours."""
    marks = [
        axis.plot(
            [], [], marker, color="0.4", label=label, fillstyle="full" if label == "vs-espcn" else "none"
        )[0]
        for label, marker in MARKERS.values()
    ]
    colours = [axis.plot([], [], "o", color=COLOURS[name], label=name)[0] for name in COLOURS if name]
    return [*marks, *colours]


def main() -> None:
    """Write the picture."""
    parser = bench_figures.parser(__doc__)
    parser.add_argument("picture", type=Path, help="PNG file to write")
    given = parser.parse_args()
    draw(bench_figures.read(given.figures)["results"]).savefig(given.picture, dpi=110, format="png")


if __name__ == "__main__":
    main()
