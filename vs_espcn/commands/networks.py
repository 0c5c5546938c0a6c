"""``vs-espcn networks``."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from vs_espcn.commands import cli_options
from vs_espcn.commands.libraries import load_openvino

if TYPE_CHECKING:
    from vs_espcn.bench.network_table import NetworkRow
    from vs_espcn.networks.quality import Quality

_WIDTH = 100
_HEAD = (
    "network",
    "Set5",
    "Set14",
    "kernels",
    "video",
    "anime",
    "MACs",
    "ms",
    "auto for",
)


def networks(
    *,
    scale: Annotated[int | None, typer.Option(help="Show one scale only. Default: all.")] = None,
    time: Annotated[
        bool, typer.Option(help="Measure milliseconds per frame; takes 1 to 2 s per network.")
    ] = True,
    int8: Annotated[bool, typer.Option("--int8", help="List int8 forms, too.")] = False,
    backend: cli_options.Backend = None,
    precision: cli_options.Precision = None,
) -> None:
    """List bicubic and the shipped networks with their quality, size, speed on this machine, and use.

    Set5, Set14: PSNR in dB of what bicubic made smaller. Kernels: the mean over seven kernels on Set5.
    Video, anime: PSNR of filmed and of drawn clips after x264. Compare figures at one scale only. MACs are
    multiply-adds per sample of the source, ms those of a frame of 1920x1080.
    """
    from rich.console import Console

    from vs_espcn.console import exit_at_once, print_table
    from vs_espcn.runtime.backends import OpenVINO, backend_from_name

    chosen = backend_from_name(backend, precision)
    load_openvino()
    from vs_espcn.bench.network_table import rows
    from vs_espcn.runtime.default_backend import best_backend, probe

    if time and chosen:
        probe(chosen)
    with exit_at_once(), Console(stderr=True).status("measuring" if time else "reading"):
        chosen = chosen or (best_backend() if time else OpenVINO())
        found = list(rows(scale, chosen, timed=time, int8=int8))
    for each, of_scale in groupby(found, key=lambda row: row.scale):
        print_table(_HEAD, map(_cells, of_scale), title=f"scale {each}", width=_WIDTH)


def _figures(quality: "Quality") -> list[float | None]:
    return [quality.set5, quality.set14, quality.kernels, quality.video, quality.anime]


def _cells(row: "NetworkRow") -> list[object]:
    from vs_espcn.filter.auto_network import DEFAULT_SOURCE

    quality = row.quality
    figures = [None] * 5 if quality is None else _figures(quality)
    return [
        row.network,
        *(None if figure is None else f"{figure:.2f}" for figure in figures),
        None if row.macs is None else round(row.macs),
        row.ms,
        ", ".join(f"{kind} (default)" if kind == DEFAULT_SOURCE else kind for kind in row.chosen_for),
    ]
