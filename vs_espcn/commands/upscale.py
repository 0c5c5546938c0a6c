"""``vs-espcn upscale``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vs_espcn.commands import cli_options
from vs_espcn.commands.ffmpeg_arguments import ffmpeg_args

if TYPE_CHECKING:
    from vs_espcn.commands.file_upscaling import UpscaleRequest

EXAMPLES = """Examples:

vs-espcn upscale film.mp4 film.mkv

vs-espcn upscale film.mp4 film.mkv --height 1080 --preset x265

vs-espcn upscale dvd.vob dvd.mkv --deinterlace field -- -crf 16

vs-espcn upscale Videos --output-dir Upscaled --resume
"""

_Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT... [OUTPUT] [-- FFMPEG ARGS]",
        help="Source video, output file (.mp4, .m4v, .mov, .mkv, .webm or .ts), "
        "and output options for ffmpeg, such as -- -crf 20. With --output-dir: files and folders. "
        "An image becomes a .png.",
    ),
]
_Deinterlace = Annotated[
    Literal["field", "frame"] | None,
    typer.Option(
        help="Deinterlace by bwdif: a frame of each field, at twice the rate, or of each frame.",
        rich_help_panel=cli_options.PART,
    ),
]
_Start = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Start at this time: 90, 1:30 or 0:01:30.5.", rich_help_panel=cli_options.PART
    ),
]
_End = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Stop before this time.", rich_help_panel=cli_options.PART),
]
_Frames = Annotated[
    int | None, typer.Option(help="Stop after this many frames.", rich_help_panel=cli_options.PART)
]
_OutputDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write outputs into this folder; files already there are skipped.",
        rich_help_panel=cli_options.MANY,
    ),
]
_Suffix = Annotated[
    str, typer.Option(help="Suffix of the outputs in --output-dir.", rich_help_panel=cli_options.MANY)
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="The output, instead of a second file name.",
        rich_help_panel=cli_options.OUTPUT,
    ),
]
_Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Encode in segments; the same command resumes an interrupted run.",
        rich_help_panel=cli_options.OUTPUT,
    ),
]
_Preview = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Write N frames by bicubic and by the network to OUTPUT, a .png or .html.",
        rich_help_panel=cli_options.OUTPUT,
    ),
]
_DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the ffmpeg command and exit.", rich_help_panel=cli_options.OUTPUT),
]


@cli_options.takes_filter_options
def upscale(
    context: typer.Context,
    paths: _Paths,
    *,
    filter_options: cli_options.FilterOptions,
    preset: cli_options.Preset = None,
    deinterlace: _Deinterlace = None,
    start: _Start = None,
    end: _End = None,
    frames: _Frames = None,
    output_dir: _OutputDir = None,
    suffix: _Suffix = ".mkv",
    output: _Output = None,
    resume: _Resume = False,
    preview: _Preview = None,
    overwrite: cli_options.Overwrite = False,
    dry_run: _DryRun = False,
) -> None:
    """Upscale a video; sound, subtitles, chapters and attachments are kept."""
    encoding = ffmpeg_args(context)
    paths = [*paths, output] if output else paths
    if output and output_dir:
        raise typer.BadParameter("both --output and --output-dir are given; give one of them")
    _check_together(paths, output_dir, preview, dry_run=dry_run)
    from vs_espcn.commands import file_upscaling
    from vs_espcn.console import exit_at_once

    with exit_at_once():
        chosen = filter_options.checked()
    request = file_upscaling.UpscaleRequest(
        filter=chosen,
        deinterlace=deinterlace,
        start=start,
        end=end,
        frames=frames,
        preset=preset,
        ffmpeg_args=encoding,
        overwrite=overwrite,
        resume=resume,
        dry_run=dry_run,
    )
    _run(request, paths, output_dir, suffix, preview)


def _check_together(
    paths: list[Path], output_dir: Path | None, preview: int | None, *, dry_run: bool
) -> None:
    """Refuse arguments that exclude each other."""
    if output_dir is None and len(paths) != 2:
        raise typer.BadParameter(f"got {len(paths)} file names; give INPUT and OUTPUT, or --output-dir")
    if output_dir is not None and preview is not None:
        raise typer.BadParameter("--preview takes one INPUT and OUTPUT, no --output-dir")
    if preview is not None and dry_run:
        raise typer.BadParameter("--preview encodes nothing, so there is no command for --dry-run to print")


def _run(
    request: "UpscaleRequest", paths: list[Path], output_dir: Path | None, suffix: str, preview: int | None
) -> None:
    """Upscale one file, many files or an image, or write a preview."""
    from vs_espcn.commands import file_upscaling
    from vs_espcn.encoding.batch import outputs_for

    if output_dir is not None:
        if not file_upscaling.upscale_all(request, outputs_for(paths, output_dir, suffix)):
            raise typer.Exit(1)
    elif preview is not None:
        file_upscaling.preview_file(request, paths[0], paths[1], preview)
    elif paths[1].suffix.lower() == ".png":
        file_upscaling.upscale_image(request, paths[0], paths[1])
    else:
        file_upscaling.upscale_file(request, paths[0], paths[1])
