"""``vs-espcn compare``."""

from pathlib import Path
from typing import Annotated

import typer

from vs_espcn.commands import cli_options
from vs_espcn.commands.libraries import load_libraries
from vs_espcn.errors import InputError


def compare(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A video or an image.")],
    *,
    frame: Annotated[int, typer.Option(metavar="N", help="Number of the frame, from 0.")] = 0,
    scale: Annotated[int, typer.Option(help="Scale of the networks.")] = 2,
    crop: Annotated[
        str | None,
        typer.Option(metavar="WxH+X+Y", help="Area of INPUT to show, WxH for its middle. Default: 160x120."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG file. Default: INPUT's name, frame and scale, in this folder.")
    ] = None,
    overwrite: cli_options.Overwrite = False,
) -> None:
    """Draw part of a frame by every network and by bicubic, side by side, into a PNG file."""
    from vs_espcn.console import JobProgress, exit_at_once, exit_in_order

    output = out or Path(f"{source.stem}_{frame}_x{scale}.png")
    if output.suffix.lower() != ".png":
        raise InputError(f"--out {str(output)!r} is a picture; give it the suffix .png")
    with exit_at_once():
        load_libraries()
    import vapoursynth as vs

    from vs_espcn.encoding import comparison
    from vs_espcn.encoding.encode import check_writable
    from vs_espcn.encoding.side_by_side import parse_crop, write_png
    from vs_espcn.encoding.source import open_source
    from vs_espcn.filter.vs_errors import last_line

    networks = comparison.networks_of(scale)
    with JobProgress() as progress:
        with exit_in_order():
            path = check_writable(source, output, overwrite=overwrite)
        with exit_at_once():
            shown = comparison.frame_of(open_source(source, on_index=progress.indexing).clip, frame)
            size = shown.width, shown.height
            area = parse_crop(crop or comparison.default_crop(*size), *size)
            try:
                picture = comparison.comparison_picture(shown, area, scale, networks)
            except vs.Error as error:
                raise InputError(last_line(error)) from None
        with exit_in_order():
            write_png(picture, path, overwrite=overwrite)
    typer.echo(f"{output}: {area} of frame {frame}, x{scale}")
