"""``vs-espcn train``."""

from pathlib import Path
from typing import Annotated

import typer

_Scale = Annotated[int, typer.Option(help="Integer scale.")]
_Data = Annotated[
    list[Path],
    typer.Option(
        help="Folder of images and, for video and anime, of clips; searched in depth; may be repeated."
    ),
]
_Out = Annotated[Path, typer.Option(help="ONNX file; rewritten each time validation improves.")]
_Checkpoint = Annotated[
    Path | None, typer.Option(help="State of the run. Default: OUT with the suffix .ckpt.")
]
_Resume = Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint.")]
_InitFrom = Annotated[
    Path | None,
    typer.Option(help="Checkpoint or ONNX file of any scale whose layers a new run starts from."),
]
_Network = Annotated[
    str,
    typer.Option(
        help="What to train: espcn, subpixel-xs, -s, -m or -l, each also as -int8; srcnn-915, -955, or tnrd."
    ),
]
_Branches = Annotated[
    bool, typer.Option("--branches", help="Train a subpixel network's convolutions as sums of branches.")
]
_Recipe = Annotated[str, typer.Option(help="How to train: modern or paper.")]
_Degradation = Annotated[
    str,
    typer.Option(
        help="What makes the low resolution: clean (many kernels), bicubic (that of the literature), video"
        " (kernels, then an encoder; takes clips too) or anime (the same, encoders tuned for drawn frames)."
    ),
]
_Activation = Annotated[
    str | None,
    typer.Option(help="tanh (default of espcn), relu (of srcnn) or leaky (of subpixel)."),
]
_Steps = Annotated[int | None, typer.Option(help="Training steps. Default: the recipe's.")]
_Hours = Annotated[float | None, typer.Option(help="Time limit in hours, including resumed runs.")]
_Seed = Annotated[int, typer.Option(help="Random seed of weights and data order.")]
_Device = Annotated[str, typer.Option(help="Where to train: auto, cpu or cuda.")]
_ValidateEvery = Annotated[
    int, typer.Option(min=1, help="Steps between two validations; each writes a checkpoint.")
]


def train(
    *,
    scale: _Scale,
    data: _Data,
    out: _Out,
    checkpoint: _Checkpoint = None,
    resume: _Resume = False,
    init_from: _InitFrom = None,
    network: _Network = "espcn",
    branches: _Branches = False,
    recipe: _Recipe = "modern",
    degradation: _Degradation = "clean",
    activation: _Activation = None,
    steps: _Steps = None,
    hours: _Hours = None,
    seed: _Seed = 0,
    device: _Device = "auto",
    validate_every: _ValidateEvery = 2000,
) -> None:
    """Train a network on folders of images and export it as ONNX."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from vs_espcn import logs
    from vs_espcn.training.loop import train as run
    from vs_espcn.training.settings import Settings

    console = Console(stderr=True)
    settings = Settings(
        scale=scale,
        folders=tuple(data),
        output=out,
        checkpoint=checkpoint or out.with_suffix(".ckpt"),
        network=network,
        branches=branches,
        recipe=recipe,
        degradation=degradation,
        activation=activation,
        steps=steps,
        hours=hours,
        seed=seed,
        resume=resume,
        init_from=init_from,
        device=device,
        validate_every=validate_every,
    )
    facts = TextColumn("step {task.fields[step]}  loss {task.fields[loss]:.2e}  {task.fields[psnr]:.2f} dB")
    columns = (TextColumn(f"x{scale}"), BarColumn(), facts, TimeElapsedColumn(), TimeRemainingColumn())
    shown = console.is_terminal and logs.is_for_people()
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("train", total=1.0, step=0, loss=float("nan"), psnr=float("nan"))
        end = run(
            settings,
            lambda now: bar.update(task, completed=now.done, step=now.step, loss=now.loss, psnr=now.psnr),
        )
    logs.console_logger.info(
        "%s: %.3f dB on the images held out, after %d steps", out, end.best_psnr, end.step
    )
