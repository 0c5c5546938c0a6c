"""Options that several commands take, declared once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vs_espcn.commands.libraries import load_libraries

if TYPE_CHECKING:
    from vs_espcn.filter.options import UpscaleOptions

Scale = Annotated[float, typer.Option(help="Scale of width and height, 1 to 16.")]
Width = Annotated[int | None, typer.Option(help="Width of the output, instead of --scale.")]
Height = Annotated[int | None, typer.Option(help="Height of the output, instead of --scale.")]
Network = Annotated[
    str,
    typer.Option(
        help="auto (the best for --source and --fps), name of a shipped network, or path of an ONNX file."
    ),
]
Source = Annotated[
    Literal["clean", "video", "anime"] | None,
    typer.Option(
        help="Kind of source for --network auto: video, anime (both compressed) or clean. "
        "Default: clean for lossless codecs, else video."
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(help="Frames per second that --network auto must reach; does not change the frame rate."),
]
Preset = Annotated[
    Literal["x264", "x265", "svtav1", "prores", "ffv1", "nvenc"] | None,
    typer.Option(
        help="Encoder with its settings. Default: x264; x265 for more than 8 bits and HDR; VP9 in .webm."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Chroma = Annotated[
    str, typer.Option(help="Resize kernel for chroma, such as spline36, bicubic:0:0.5 or lanczos:4.")
]
Range = Annotated[
    Literal["limited", "full"] | None,
    typer.Option("--range", help="Range of every frame. Default: the frame's own property."),
]
Backend = Annotated[
    str | None, typer.Option(help="openvino, tensorrt or torch. Default: the best available.")
]
Precision = Annotated[
    str | None,
    typer.Option(help="Precision of the network: auto, fast, fp32, bf16, int8 (openvino) or fp16 (GPUs)."),
]


@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """The filter's options on the command line, in the order in which help lists them.

    Each field is named like that of `vs_espcn.filter.options.UpscaleOptions`;
    ``backend`` and ``precision`` together name its backend.
    """

    scale: Scale = 2
    width: Width = None
    height: Height = None
    network: Network = "auto"
    source: Source = None
    fps: Fps = None
    chroma: Chroma = "spline36"
    range: Range = None
    backend: Backend = None
    precision: Precision = None

    def checked(self) -> "UpscaleOptions":
        """Return the filter's options, checked; loads OpenVINO and VapourSynth.

        Raises:
            InputError: One of them cannot be used.
        """
        from vs_espcn.runtime.backends import backend_from_name

        backend = backend_from_name(self.backend, self.precision)
        load_libraries()
        from vs_espcn.filter.options import UpscaleOptions

        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "precision"}
        return UpscaleOptions(**named | {"backend": backend})


def takes_filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `FilterOptions` in place of its parameter ``filter_options``."""
    signature = inspect.signature(command)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(FilterOptions)
    ]
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters.extend(options if parameter.name == "filter_options" else [parameter])

    @wraps(command)
    def with_options(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of the command
        given = {option.name: kwargs.pop(option.name) for option in options}
        command(*args, filter_options=FilterOptions(**given), **kwargs)

    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options
