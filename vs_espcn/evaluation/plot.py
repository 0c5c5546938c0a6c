"""Plot PSNR over time."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from PIL import Image

from vs_espcn.errors import InputError, extra_hint
from vs_espcn.evaluation.scores import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL_WIDTH, _PANEL_HEIGHT = 4.2, 2.4  # inches
_COLOURS = 64


def check_installed() -> None:
    """Raise before anything is measured if the plotting library is missing.

    Raises:
        InputError: Matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise InputError(f"Matplotlib is not installed; --plot needs it: {extra_hint('train')}")


def plot_over_time(scores: Sequence[Score]) -> bytes:
    """Draw a panel for each clip, scale and source, with a line for each method.

    Args:
        scores: From ``vs_espcn.evaluation.video.score_clips``.

    Returns:
        A PNG file.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, and only here

    rows = list(dict.fromkeys((score.group, score.scale) for score in scores))
    columns = list(dict.fromkeys(score.source for score in scores))
    methods = list(dict.fromkeys(score.method for score in scores))
    size = (_PANEL_WIDTH * len(columns), _PANEL_HEIGHT * len(rows) + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(columns), squeeze=False, sharex="row")
    for (group, scale), of_row in zip(rows, panels, strict=True):
        for source, panel in zip(columns, of_row, strict=True):
            of_panel = [s for s in scores if (s.group, s.scale, s.source) == (group, scale, source)]
            for number, method in enumerate(methods):
                psnrs = [score.psnr for score in of_panel if score.method == method]
                panel.plot(psnrs, color=f"C{number}", linewidth=1.2, label=method)
            panel.set_title(f"{group} x{scale}, {source}", fontsize=8)
            panel.tick_params(labelsize=7)
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.grid(alpha=0.3)
        of_row[0].set_ylabel("PSNR in dB", fontsize=8)
    for panel in panels[-1]:
        panel.set_xlabel("frame", fontsize=8)
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(methods), fontsize=9)
    return _small_png(figure)


def _small_png(figure: "Figure") -> bytes:
    """Render as a PNG of few colours: a quarter of the bytes, and no visible difference."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(_COLOURS).save(small, format="PNG", optimize=True)
    return small.getvalue()
