"""The command line: one function per command, which parses, calls and prints.

Each command imports what it needs when it runs, so that ``--help`` is instant
and upscaling never loads torch.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import vs_espcn
from vs_espcn.errors import BackendError, EspcnError, InputError

if TYPE_CHECKING:
    from vs_espcn.runtime.plans import StoredPlan

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
def info() -> None:
    """Print versions, devices, shipped networks, and the backend that is picked here."""
    from vs_espcn import models
    from vs_espcn.runtime import report

    for name, version in report.package_versions().items():
        typer.echo(f"{name:24}{version}")
    typer.echo(f"{'instruction sets':24}{' '.join(report.instruction_sets()) or 'not listed by this system'}")
    scales: dict[str, list[str]] = {}
    for spec in models.shipped():
        scales.setdefault(spec.network, []).append(f"x{spec.scale}")
    for network, of_network in scales.items():
        typer.echo(f"{'network':24}{network} {' '.join(of_network)}")
    picked = False
    for backend in report.backend_reports():
        state = "out" if not backend.usable else "usable" if picked else "picked"
        picked = picked or backend.usable
        typer.echo(f"{'backend':24}{backend.name} ({state}): {backend.detail}")


@app.command()
def bench(
    scale: Annotated[
        list[int] | None, typer.Option(help="Scale to measure; may be repeated. Default: 2, 3 and 4.")
    ] = None,
    backend: Annotated[str, typer.Option(help="What to measure: openvino, tensorrt or torch.")] = "openvino",
    precision: Annotated[
        str, typer.Option(help="Arithmetic of the network: auto, fp32, bf16 (openvino) or fp16 (GPUs).")
    ] = "auto",
    frames: Annotated[int, typer.Option(min=1, help="Frames per contestant and round.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; medians are printed.")] = 5,
    soak: Annotated[
        int, typer.Option(min=0, help="Instead, run the filter for this many frames and print peak memory.")
    ] = 0,
) -> None:
    """Measure the filter, beside the engine alone and vs-mlrt; the last line is JSON."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    with suppress(BackendError):
        from vs_espcn.runtime import openvino  # noqa: F401 - before VapourSynth's plugins, as in `upscale`
    import vapoursynth as vs

    from vs_espcn.runtime.base import OpenVINO, backend_kind
    from vs_espcn.video import bench as benchmark

    chosen = backend_kind(backend)(precision=precision)  # type: ignore[arg-type]
    scales = scale or [2, 3, 4]
    try:
        if soak:
            rows = [asdict(benchmark.soak(each, chosen, frames=soak)) for each in scales]
        elif isinstance(chosen, OpenVINO):
            rows = [
                asdict(result)
                for each in scales
                for result in benchmark.compare(each, chosen, frames=frames, repeats=repeats)
            ]
        else:
            from vs_espcn.video import bench_gpu

            rows = [
                asdict(result)
                for case in bench_gpu.all_cases(scales)
                for result in bench_gpu.measure(case, chosen, frames=frames, repeats=repeats)
            ]
    except vs.Error as error:
        raise BackendError(str(error).removeprefix("vs_espcn: ")) from None
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    typer.echo(json.dumps(rows))


@app.command()
def upscale(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The video to upscale.")],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT", help="The file to write: .mp4, .m4v, .mov, .mkv, .webm or .ts by its suffix."
        ),
    ],
    ffmpeg_args: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- FFMPEG ARGS", help="Output options for ffmpeg, such as -c:v libx265."),
    ] = None,
    *,
    scale: Annotated[float, typer.Option(help="Factor on width and height, 1 to 16.")] = 2,
    width: Annotated[int | None, typer.Option(help="Width of the output, instead of --scale.")] = None,
    height: Annotated[int | None, typer.Option(help="Height of the output, instead of --scale.")] = None,
    network: Annotated[
        str, typer.Option(help="Name of a shipped network, or path of an ONNX file.")
    ] = "espcn",
    chroma: Annotated[
        str, typer.Option(help="Kernel for chroma, such as spline36, bicubic:0:0.5 or lanczos:4.")
    ] = "spline36",
    range_: Annotated[
        Literal["limited", "full"] | None,
        typer.Option("--range", help="Range of every frame. Default: as each frame says."),
    ] = None,
    backend: Annotated[str | None, typer.Option(help="openvino, tensorrt or torch. Default: best.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Arithmetic of the network: auto, fp32, bf16 or fp16.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")] = False,
) -> None:
    """Upscale a video; sound, subtitles, chapters and attachments are kept."""
    from vs_espcn.console import JobProgress, exit_at_once, exit_in_order

    options = _ffmpeg_options(ffmpeg_args or [])
    with JobProgress() as progress:
        with exit_at_once():
            from vs_espcn.runtime.base import backend_from_name

            chosen = backend_from_name(backend, precision)
            with suppress(BackendError):
                # Before VapourSynth loads its plugins: vs-mlrt's own copy of OpenVINO would bar this one.
                from vs_espcn.runtime import openvino  # noqa: F401
            import vapoursynth as vs

            from vs_espcn.video.encode import check_destination, encode
            from vs_espcn.video.source import open_source
        with exit_in_order():
            destination = check_destination(source, output, overwrite=overwrite)
        with exit_at_once():
            # A width or height is that of the picture as it is shown.
            upright = not destination.keeps_rotation or width is not None or height is not None
            opened = open_source(source, turn_upright=upright, on_index=progress.indexing)
            try:
                clip = vs_espcn.upscale(
                    opened.clip,
                    scale,
                    width=width,
                    height=height,
                    network=network,
                    backend=chosen,
                    chroma=chroma,
                    range=range_,
                )
            except vs.Error as error:
                raise InputError(str(error).removeprefix("vs_espcn: ")) from None
        progress.start(clip.num_frames, float(clip.fps))
        with exit_in_order() as leave_if_told:

            def on_frame(number: int) -> None:
                leave_if_told()
                progress.frame(number)

            encode(
                clip,
                destination,
                opened,
                ffmpeg_args=options,
                on_note=progress.note,
                on_frame=on_frame,
            )
        progress.done()


def _ffmpeg_options(arguments: list[str]) -> list[str]:
    """What follows ``--``; anything else is a mistake, and ffmpeg would write a file of that name."""
    options = arguments[1:] if arguments[:1] == ["--"] else arguments
    if options and not options[0].startswith("-"):
        raise typer.BadParameter(f"unexpected argument {options[0]!r}; options for ffmpeg follow after --")
    return options


@app.command()
def build(
    *,
    size: Annotated[str, typer.Option(help="Size of the clip, for example 960x540.")],
    scale: Annotated[int, typer.Option(help="Scale of the network.")] = 2,
    network: Annotated[
        str, typer.Option(help="Name of a shipped network, or path of an ONNX file.")
    ] = "espcn",
    bits: Annotated[int, typer.Option(help="Depth of the clip: 8 to 16, or 32 for float.")] = 8,
    precision: Annotated[str, typer.Option(help="Arithmetic of the network: auto, fp32 or fp16.")] = "auto",
    flavour: Annotated[str, typer.Option(help="auto, tensorrt or tensorrt_rtx.")] = "auto",
    lanes: Annotated[
        int | None, typer.Option(help="Frames in work at once, as the filter gets them.")
    ] = None,
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(help="GPU to build for, such as 8.9; may be repeated. Default: the one here."),
    ] = None,
) -> None:
    """Build TensorRT plans ahead of time, with TensorRT-RTX also for GPUs that are not here."""
    from rich.console import Console

    from vs_espcn.runtime import warm

    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"size {size!r} is not understood; give it like 960x540")
    job = warm.Job(
        width=int(width),
        height=int(height),
        scale=scale,
        network=network,
        bits=bits,
        precision=precision,  # type: ignore[arg-type]
        flavour=flavour,  # type: ignore[arg-type]
        lanes=lanes,
        capabilities=tuple(compute_capability or ()),
    )
    with Console(stderr=True).status("building") as status:
        stored = warm.warm(job, lambda title, phase, done: status.update(f"{title}: {phase} {done:.0%}"))
    for plan in stored:
        typer.echo(_plan_line(plan))


cache_app = typer.Typer(help="List or clear the cache of built TensorRT plans.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")


@cache_app.command("list")
def cache_list() -> None:
    """Print every built plan and its size."""
    from vs_espcn.runtime import plans

    for plan in plans.stored_plans():
        typer.echo(_plan_line(plan))


@cache_app.command("clear")
def cache_clear() -> None:
    """Delete every built plan."""
    from vs_espcn.runtime import plans

    typer.echo(f"deleted {plans.clear()} plans from {plans.plans_dir()}")


def _plan_line(plan: "StoredPlan") -> str:
    what = f"{plan.key.title}, {plan.key.flavour} {plan.key.version}" if plan.key else "not a plan of ours"
    return f"{plan.path.stem[:12]}  {plan.nbytes // 1024:6} KB  {what}"


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
    network: Annotated[
        str, typer.Option(help="What to train: espcn, or its baselines srcnn-915 and srcnn-955.")
    ] = "espcn",
    recipe: Annotated[str, typer.Option(help="How to train: modern or paper.")] = "modern",
    activation: Annotated[
        str | None, typer.Option(help="Non-linearity: tanh (default of espcn) or relu (of srcnn).")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run. Default: the recipe's.")] = None,
    hours: Annotated[float | None, typer.Option(help="Longest duration, earlier parts included.")] = None,
    seed: Annotated[int, typer.Option(help="Start of weights and data order.")] = 0,
    device: Annotated[str, typer.Option(help="Where to train: auto, cpu or cuda.")] = "auto",
    validate_every: Annotated[
        int, typer.Option(min=1, help="Steps between two validations; each writes a checkpoint.")
    ] = 2000,
) -> None:
    """Train a network on folders of images and export it as ONNX."""
    import logging

    from rich.console import Console
    from rich.logging import RichHandler
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from vs_espcn.training.loop import train as run
    from vs_espcn.training.settings import Settings

    console = Console(stderr=True)
    handler = RichHandler(console=console, show_path=False)
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[handler])
    settings = Settings(
        scale=scale,
        folders=tuple(data),
        output=out,
        checkpoint=checkpoint or out.with_suffix(".ckpt"),
        network=network,
        recipe=recipe,
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
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("train", total=1.0, step=0, loss=float("nan"), psnr=float("nan"))
        end = run(
            settings,
            lambda now: bar.update(task, completed=now.done, step=now.step, loss=now.loss, psnr=now.psnr),
        )
    console.print(f"{out}: {end.best_psnr:.3f} dB on the images held out, after {end.step} steps")


@app.command()
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
    backend: Annotated[str | None, typer.Option(help="Where networks run. Default: the best.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Arithmetic of the networks, one of the backend's.")
    ] = None,
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
    import logging

    from rich.console import Console
    from rich.progress import track

    from vs_espcn.console import exit_in_order
    from vs_espcn.runtime.base import backend_from_name

    chosen = backend_from_name(backend, precision)
    with suppress(BackendError):
        from vs_espcn.runtime import openvino  # noqa: F401 - before VapourSynth's plugins, as in `upscale`
    from vs_espcn.evaluation import job

    logging.basicConfig(level="WARNING", format="vs-espcn: %(message)s")
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
    with exit_in_order():
        tables = job.run(
            asked,
            lambda scores: track(
                scores, "measuring", console=console, transient=True, disable=not console.is_terminal
            ),
        )
    if tables:
        typer.echo(tables)


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
