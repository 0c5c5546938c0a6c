"""``vs-espcn evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from vs_espcn.commands import cli_options
from vs_espcn.commands.libraries import load_openvino

_Folders = Annotated[list[Path] | None, typer.Argument(metavar="FOLDER", help="Folders of original images.")]
_Video = Annotated[list[Path] | None, typer.Option(help="Original clip; may be repeated.")]
_Scale = Annotated[
    list[int] | None, typer.Option(min=2, max=8, help="Scale; may be repeated. Default: 2, 3 and 4.")
]
_Method = Annotated[
    list[str] | None,
    typer.Option(
        help="nearest, bilinear, bicubic, lanczos, spline36 or a shipped network; may be repeated. "
        "Default: all."
    ),
]
_Network = Annotated[list[Path] | None, typer.Option(help="Also measure this ONNX file; may be repeated.")]
_Torch = Annotated[
    Path | None, typer.Option(help="Also measure this training checkpoint, in PyTorch.", metavar="CHECKPOINT")
]
_Frames = Annotated[int | None, typer.Option(min=1, help="Frames of a clip, from its start. Default: all.")]
_Crf = Annotated[
    list[int] | None,
    typer.Option(min=0, max=51, help="Compression of clips; may be repeated. Default: 18, 23 and 28."),
]
_Kernel = Annotated[
    list[str] | None,
    typer.Option(
        help="What makes the low resolution: box, box-linear, bilinear, mitchell, bicubic, bicubic-sharp, "
        "spline36, lanczos, gauss-sharp or gauss-soft; may be repeated. Default: the literature's bicubic."
    ),
]
_Markdown = Annotated[Path | None, typer.Option(help="Write the tables to this file.")]
_Csv = Annotated[Path | None, typer.Option(help="Write one row per image and frame to this file.")]
_Plot = Annotated[Path | None, typer.Option(help="Plot the clips' PSNR over time into this PNG file.")]
_Picture = Annotated[Path | None, typer.Option(help="Image whose crops are shown side by side.")]
_Crop = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WxH+X+Y", help="Area to show, WxH for the middle; may be repeated. Default: all of it."
    ),
]
_PictureOut = Annotated[Path | None, typer.Option(help="PNG file for --picture.")]


def evaluate(
    folders: _Folders = None,
    *,
    video: _Video = None,
    scale: _Scale = None,
    method: _Method = None,
    network: _Network = None,
    torch: _Torch = None,
    backend: cli_options.Backend = None,
    precision: cli_options.Precision = None,
    frames: _Frames = None,
    crf: _Crf = None,
    kernel: _Kernel = None,
    markdown: _Markdown = None,
    csv: _Csv = None,
    plot: _Plot = None,
    picture: _Picture = None,
    crop: _Crop = None,
    picture_out: _PictureOut = None,
) -> None:
    """Measure PSNR and SSIM of resizers and networks against originals, on luma."""
    from rich.console import Console
    from rich.progress import track

    from vs_espcn import logs
    from vs_espcn.console import exit_in_order
    from vs_espcn.runtime.backends import backend_from_name

    chosen = backend_from_name(backend, precision)
    load_openvino()
    from vs_espcn.evaluation import evaluation

    asked = evaluation.Evaluation(
        folders=tuple(folders or ()),
        clips=tuple(video or ()),
        scales=tuple(scale or ()),
        methods=tuple(method or ()),
        networks=tuple(network or ()),
        checkpoint=torch,
        backend=chosen,
        frames=frames,
        rates=tuple(crf or evaluation.DEFAULT_RATES),
        kernels=tuple(kernel or ()),
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
        tables = evaluation.run_evaluation(
            asked,
            lambda scores: track(scores, "measuring", console=console, transient=True, disable=not shown),
        )
    if tables:
        typer.echo(tables)
