"""``vs-espcn upscale``."""

from pathlib import Path
from typing import Annotated

import typer

from vs_espcn.commands import options
from vs_espcn.commands.tail import ffmpeg_args


def upscale(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT... [OUTPUT] [-- FFMPEG ARGS]",
            help="The video, the file to write (.mp4, .m4v, .mov, .mkv, .webm or .ts by its suffix), "
            "and output options for ffmpeg, such as -- -crf 20. With --output-dir, files and folders.",
        ),
    ],
    *,
    scale: options.Scale = 2,
    width: options.Width = None,
    height: options.Height = None,
    network: options.Network = "espcn",
    source: options.Source = None,
    fps: options.Fps = None,
    chroma: options.Chroma = "spline36",
    range_: options.Range = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    preset: options.Preset = None,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin here: 90, 1:30 or 0:01:30.5.")
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Stop before this time.")] = None,
    frames: Annotated[int | None, typer.Option(help="Stop after so many frames.")] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Upscale files and folders into this one, but for what it has."),
    ] = None,
    suffix: Annotated[str, typer.Option(help="With --output-dir: suffix of the outputs.")] = ".mkv",
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Encode in segments; the same command goes on where a run was killed."),
    ] = False,
    preview: Annotated[
        int | None,
        typer.Option(metavar="N", help="Write a contact sheet of N frames beside bicubic, OUTPUT is a .png."),
    ] = None,
    overwrite: options.Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command line of ffmpeg and stop.")
    ] = False,
) -> None:
    """Upscale a video; sound, subtitles, chapters and attachments are kept."""
    encoding = ffmpeg_args(context)
    if output_dir is None and len(paths) != 2:
        raise typer.BadParameter(f"got {len(paths)} file names; give INPUT and OUTPUT, or --output-dir")
    if output_dir is not None and preview is not None:
        raise typer.BadParameter("--preview takes one INPUT and OUTPUT, no --output-dir")
    if preview is not None and dry_run:
        raise typer.BadParameter("--preview encodes nothing, so there is no command for --dry-run to print")
    from vs_espcn.commands import upscaling
    from vs_espcn.runtime.base import backend_from_name

    chosen = backend_from_name(backend, precision)
    upscaling.load_libraries()
    from vs_espcn.video.auto import check_wish

    check_wish(network, source, fps)
    request = upscaling.Request(
        filter={
            "scale": scale,
            "width": width,
            "height": height,
            "network": network,
            "source": source,
            "fps": fps,
            "backend": chosen,
            "chroma": chroma,
            "range": range_,
        },
        start=start,
        end=end,
        frames=frames,
        preset=preset,
        ffmpeg_args=encoding,
        overwrite=overwrite,
        resume=resume,
        dry_run=dry_run,
    )
    if output_dir is not None:
        from vs_espcn.video.batch import outputs_for

        if not upscaling.upscale_all(request, outputs_for(paths, output_dir, suffix)):
            raise typer.Exit(1)
    elif preview is not None:
        upscaling.preview_file(request, paths[0], paths[1], preview)
    else:
        upscaling.upscale_file(request, paths[0], paths[1])
