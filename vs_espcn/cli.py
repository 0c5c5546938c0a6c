"""The command line: one function per command, which parses, calls and prints.

Each command imports what it needs when it runs, so that ``--help`` is instant
and upscaling never loads torch.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

import vs_espcn
from vs_espcn.errors import EspcnError

app = typer.Typer(
    name="vs-espcn",
    help="Upscale video with ESPCN.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vs-espcn {vs_espcn.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version  # its callback has acted


@app.command()
def train(
    *,
    scale: Annotated[int, typer.Option(help="Integer scale.")],
    data: Annotated[list[Path], typer.Option(help="Folder of images, searched in depth; may be repeated.")],
    out: Annotated[Path, typer.Option(help="ONNX file; rewritten each time validation improves.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="State of the run. Default: beside the output, with the suffix .ckpt.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    init_from: Annotated[
        Path | None, typer.Option(help="Checkpoint, of any scale, whose layers a new run starts from.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="How to train: modern or paper.")] = "modern",
    activation: Annotated[str, typer.Option(help="Non-linearity of the network: tanh or relu.")] = "tanh",
    steps: Annotated[int | None, typer.Option(help="Length of the run. Default: the recipe's.")] = None,
    hours: Annotated[float | None, typer.Option(help="Longest duration, earlier parts included.")] = None,
    seed: Annotated[int, typer.Option(help="Start of weights and data order.")] = 0,
    device: Annotated[str, typer.Option(help="Where to train: auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a network on folders of images and export it as ONNX."""
    import logging

    from rich.console import Console
    from rich.logging import RichHandler
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from vs_espcn.training import loop

    console = Console(stderr=True)
    handler = RichHandler(console=console, show_path=False)
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[handler])
    settings = loop.Settings(
        scale=scale,
        folders=tuple(data),
        output=out,
        checkpoint=checkpoint or out.with_suffix(".ckpt"),
        recipe=recipe,
        activation=activation,
        steps=steps,
        hours=hours,
        seed=seed,
        resume=resume,
        init_from=init_from,
        device=device,
    )
    facts = TextColumn("step {task.fields[step]}  loss {task.fields[loss]:.2e}  {task.fields[psnr]:.2f} dB")
    columns = (TextColumn(f"x{scale}"), BarColumn(), facts, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("train", total=1.0, step=0, loss=float("nan"), psnr=float("nan"))
        end = loop.train(
            settings,
            lambda now: bar.update(task, completed=now.done, step=now.step, loss=now.loss, psnr=now.psnr),
        )
    console.print(f"{out}: {end.best_psnr:.3f} dB on the images held out, after {end.step} steps")


def main() -> None:
    """Run the command line; a deliberate error becomes one line and exit code 1."""
    try:
        app()
    except EspcnError as error:
        typer.echo(f"vs-espcn: error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
