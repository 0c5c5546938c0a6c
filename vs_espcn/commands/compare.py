"""``vs-espcn compare``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vs_espcn.commands import cli_options
from vs_espcn.commands.libraries import load_libraries
from vs_espcn.errors import InputError

if TYPE_CHECKING:
    import vapoursynth as vs
    from PIL import Image


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest:
    """Which frames, methods and area to compare, and in which form.

    Attributes:
        frames: Frame numbers of the input.
        scale: A scale that the networks have.
        methods: Methods, as `vs_espcn.encoding.comparison.upscaled_pictures` takes them.
        crop: ``WxH`` or ``WxH+X+Y``; None for the default area.
        is_page: True for an HTML page, False for a picture.
        from_original: True to treat the input as the original and reduce it first.
    """

    frames: list[int]
    scale: int
    methods: list[str]
    crop: str | None
    is_page: bool
    from_original: bool


_Input = Annotated[Path, typer.Argument(metavar="INPUT", help="A video or an image.")]
_Frame = Annotated[
    list[int] | None, typer.Option(metavar="N", help="Number of a frame, from 0; may be repeated.")
]
_Scale = Annotated[int, typer.Option(help="Scale of the networks.")]
_Network = Annotated[
    list[str] | None,
    typer.Option(help="Network name, path of an ONNX file, or bicubic; may be repeated. Default: all."),
]
_Crop = Annotated[
    str | None,
    typer.Option(
        metavar="WxH+X+Y", help="Area to show, WxH for the middle. Default: 160x120; in a page 960x540."
    ),
]
_Original = Annotated[
    bool, typer.Option("--original", help="Reduce INPUT first, and show it beside the results.")
]
_Html = Annotated[
    bool, typer.Option("--html", help="Write a page with a slider, zoom and menus for a browser.")
]
_Out = Annotated[
    Path | None,
    typer.Option(help="File to write, .png or .html. Default: INPUT's name, frame and scale."),
]


def compare(
    source: _Input,
    *,
    frame: _Frame = None,
    scale: _Scale = 2,
    network: _Network = None,
    crop: _Crop = None,
    original: _Original = False,
    html: _Html = False,
    out: _Out = None,
    overwrite: cli_options.Overwrite = False,
) -> None:
    """Show part of a frame by networks and by bicubic, side by side or in a page with a slider."""
    from vs_espcn.console import exit_at_once

    numbers = frame or [0]
    output = out or Path(f"{source.stem}_{numbers[0]}_x{scale}{'.html' if html else '.png'}")
    is_page = _is_page(output, html=html)
    with exit_at_once():
        load_libraries()
    from vs_espcn.encoding.comparison import BICUBIC, networks_of

    request = ComparisonRequest(
        frames=numbers,
        scale=scale,
        methods=list(dict.fromkeys(network or [BICUBIC, *networks_of(scale)])),
        crop=crop,
        is_page=is_page,
        from_original=original,
    )
    _write_comparison(source, output, request, overwrite=overwrite)
    typer.echo(f"{output}: frame {', '.join(map(str, numbers))}, x{scale}")


def _write_comparison(source: Path, output: Path, request: ComparisonRequest, *, overwrite: bool) -> None:
    from vs_espcn.console import JobProgress, exit_at_once, exit_in_order
    from vs_espcn.encoding.comparison import comparison_picture
    from vs_espcn.encoding.comparison_page import comparison_page
    from vs_espcn.encoding.encode import check_writable
    from vs_espcn.encoding.side_by_side import png, write_whole
    from vs_espcn.encoding.source import open_source

    with JobProgress() as progress:
        with exit_in_order():
            path = check_writable(source, output, overwrite=overwrite)
        with exit_at_once():
            pictures = _pictures(open_source(source, on_index=progress.indexing).clip, request)
            if request.is_page:
                data = comparison_page(source.name, pictures).encode()
            else:
                data = png(comparison_picture(pictures))
        with exit_in_order():
            write_whole(data, path, overwrite=overwrite)


def _is_page(output: Path, *, html: bool) -> bool:
    """Tell from the output's suffix whether it is a page."""
    suffix = output.suffix.lower()
    if suffix not in {".png", ".html"} or (html and suffix != ".html"):
        accepted = ".html" if html else ".png or .html"
        raise InputError(f"--out {str(output)!r} is a comparison; give it the suffix {accepted}")
    return suffix == ".html"


def _pictures(
    clip: "vs.VideoNode", request: ComparisonRequest
) -> "Iterator[tuple[str, Mapping[str, Image.Image]]]":
    """Yield each frame's label and its pictures by name."""
    import vapoursynth as vs

    from vs_espcn.encoding import comparison
    from vs_espcn.encoding.side_by_side import frame_picture, parse_crop
    from vs_espcn.filter.vs_errors import last_line

    for number in request.frames:
        whole = comparison.frame_of(clip, number)
        shown = comparison.reduced(whole, request.scale) if request.from_original else whole
        size = shown.width, shown.height
        area = parse_crop(request.crop or comparison.default_crop(*size, is_page=request.is_page), *size)
        truth = {"original": area.of(frame_picture(whole), request.scale)} if request.from_original else {}
        try:
            results = comparison.upscaled_pictures(shown, area, request.scale, request.methods)
        except vs.Error as error:
            raise InputError(last_line(error)) from None
        yield f"frame {number}", truth | results
