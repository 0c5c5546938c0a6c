"""``vs-espcn evaluate``."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from vs_espcn.commands import options
from vs_espcn.errors import BackendError


def evaluate(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDER", help="Folders of original images.")
    ] = None,
    *,
    video: Annotated[list[Path] | None, typer.Option(help="Original clip; may be repeated.")] = None,
    scale: Annotated[
        list[int] | None, typer.Option(min=2, max=8, help="Scale; may be repeated. Default: 2, 3 and 4.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="nearest, bilinear, bicubic, lanczos, spline36 or a shipped network; may be repeated. "
            "Default: all."
        ),
    ] = None,
    network: Annotated[list[Path] | None, typer.Option(help="ONNX file too; may be repeated.")] = None,
    torch: Annotated[
        Path | None, typer.Option(help="Training checkpoint too, through PyTorch.", metavar="CHECKPOINT")
    ] = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames of a clip, from its start. Default: all.")
    ] = None,
    crf: Annotated[
        list[int] | None,
        typer.Option(min=0, max=51, help="Compression of clips; may be repeated. Default: 18, 23 and 28."),
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="File for the tables.")] = None,
    csv: Annotated[Path | None, typer.Option(help="File for a row per image and frame.")] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG file for the clips' PSNR over time.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Image to show parts of, side by side.")] = None,
    crop: Annotated[
        list[str] | None, typer.Option(help="Part: X,Y,WIDTH,HEIGHT; may be repeated. Default: all of it.")
    ] = None,
    picture_out: Annotated[Path | None, typer.Option(help="PNG file for --picture.")] = None,
) -> None:
    """Measure resizers and networks against originals: PSNR and SSIM on luma, as tables."""
    from rich.console import Console
    from rich.progress import track

    from vs_espcn import logs
    from vs_espcn.console import exit_in_order
    from vs_espcn.runtime.base import backend_from_name

    chosen = backend_from_name(backend, precision)
    with suppress(BackendError):
        from vs_espcn.runtime import openvino  # noqa: F401 - before VapourSynth's plugins, as in `upscale`
    from vs_espcn.evaluation import job

    asked = job.Job(
        folders=tuple(folders or ()),
        clips=tuple(video or ()),
        scales=tuple(scale or ()),
        methods=tuple(method or ()),
        networks=tuple(network or ()),
        checkpoint=torch,
        backend=chosen,
        frames=frames,
        rates=tuple(crf or job.DEFAULT_RATES),
        markdown=markdown,
        csv=csv,
        plot=plot,
        picture=picture,
        crops=tuple(crop or ()),
        picture_out=picture_out,
    )
    console = Console(stderr=True)
    shown = console.is_terminal and logs.is_for_people()
    with exit_in_order():
        tables = job.run(
            asked,
            lambda scores: track(scores, "measuring", console=console, transient=True, disable=not shown),
        )
    if tables:
        typer.echo(tables)
