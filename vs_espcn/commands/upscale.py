"""``vs-espcn upscale``."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

import vs_espcn
from vs_espcn.commands import options
from vs_espcn.errors import BackendError, InputError


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
    scale: options.Scale = 2,
    width: options.Width = None,
    height: options.Height = None,
    network: options.Network = "espcn",
    chroma: options.Chroma = "spline36",
    range_: options.Range = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")] = False,
) -> None:
    """Upscale a video; sound, subtitles, chapters and attachments are kept."""
    from vs_espcn.console import JobProgress, exit_at_once, exit_in_order

    encoding = _ffmpeg_options(ffmpeg_args or [])
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
                ffmpeg_args=encoding,
                on_note=progress.note,
                on_frame=on_frame,
            )
        progress.done()


def _ffmpeg_options(arguments: list[str]) -> list[str]:
    """What follows ``--``; anything else is a mistake, and ffmpeg would write a file of that name."""
    found = arguments[1:] if arguments[:1] == ["--"] else arguments
    if found and not found[0].startswith("-"):
        raise typer.BadParameter(f"unexpected argument {found[0]!r}; options for ffmpeg follow after --")
    return found
