"""Options that several commands take, declared once."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vs_espcn import logs
from vs_espcn.commands.libraries import load_libraries
from vs_espcn.errors import InputError
from vs_espcn.networks.names import NETWORK_NAMES
from vs_espcn.runtime.backends import BACKENDS, backend_from_name

if TYPE_CHECKING:
    from vs_espcn.filter.options import UpscaleOptions

SIZE, NETWORK, ENCODER, PART, MANY, OUTPUT, LOG = (
    *("Size", "Network", "Encoder", "Part", "Many files", "Output", "Log"),
)
"""The panels of help."""


def _completion(words: Sequence[str]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


Scale = Annotated[
    float | None,
    typer.Option(help="Scale of width and height, 1 to 16. Default: 2.", rich_help_panel=SIZE),
]
Width = Annotated[
    int | None, typer.Option(help="Width of the output, instead of --scale.", rich_help_panel=SIZE)
]
Height = Annotated[
    int | None, typer.Option(help="Height of the output, instead of --scale.", rich_help_panel=SIZE)
]
Chroma = Annotated[
    str,
    typer.Option(
        help="Resize kernel for chroma, such as spline36, bicubic:0:0.5 or lanczos:4.", rich_help_panel=SIZE
    ),
]
Range = Annotated[
    Literal["limited", "full"] | None,
    typer.Option(
        "--range",
        help="Range of every frame. Default: the frame's own property.",
        rich_help_panel=SIZE,
    ),
]
Network = Annotated[
    str,
    typer.Option(
        help="auto (the best for --source and --fps), name of a shipped network, or path of an ONNX file.",
        autocompletion=_completion(NETWORK_NAMES),
        rich_help_panel=NETWORK,
    ),
]
Source = Annotated[
    Literal["clean", "video", "anime"] | None,
    typer.Option(
        help="Kind of source for --network auto: video, anime (both compressed) or clean. "
        "Default: clean for lossless codecs, else video.",
        rich_help_panel=NETWORK,
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        help="Frames per second that --network auto must reach; does not change the frame rate.",
        rich_help_panel=NETWORK,
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        help="openvino, tensorrt, torch or vulkan. Default: the best available.",
        autocompletion=_completion(tuple(BACKENDS)),
        rich_help_panel=NETWORK,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Precision of the network: auto, fast, fp32, bf16, int8 or fp16 (GPUs).",
        rich_help_panel=NETWORK,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="Device of the backend: CPU or GPU (openvino), 0 or 0,1 (tensorrt), 0 (torch, vulkan).",
        rich_help_panel=NETWORK,
    ),
]
Preset = Annotated[
    Literal["x264", "x265", "svtav1", "prores", "ffv1", "nvenc"] | None,
    typer.Option(
        help="Encoder with its settings. Default: x264; x265 for more than 8 bits and HDR; VP9 in .webm.",
        rich_help_panel=ENCODER,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", "-y", help="Replace the output if it exists.", rich_help_panel=OUTPUT),
]


@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """The filter's options on the command line, in the order in which help lists them.

    Each field is named like that of `vs_espcn.filter.options.UpscaleOptions`;
    ``backend``, ``precision`` and ``device`` together name its backend.
    """

    scale: Scale = None
    width: Width = None
    height: Height = None
    chroma: Chroma = "spline36"
    range: Range = None
    network: Network = "auto"
    source: Source = None
    fps: Fps = None
    backend: Backend = None
    precision: Precision = None
    device: Device = None

    def checked(self) -> "UpscaleOptions":
        """Return the filter's options, checked; loads OpenVINO and VapourSynth.

        Raises:
            InputError: One of them cannot be used.
        """
        self._check_together()
        backend = backend_from_name(self.backend, self.precision, self.device)
        load_libraries()
        from vs_espcn.filter.options import UpscaleOptions

        named = {field.name: getattr(self, field.name) for field in fields(self)}
        left_out = {"precision", "device"} | ({"scale"} if self.scale is None else set())
        named = {name: value for name, value in named.items() if name not in left_out}
        return UpscaleOptions(**named | {"backend": backend})

    def _check_together(self) -> None:
        """Refuse options that exclude each other, named as they were typed."""
        for name, side in (("--width", self.width), ("--height", self.height)):
            if self.scale is not None and side is not None:
                raise InputError(f"both --scale {self.scale:g} and {name} {side} are given; give one of them")
        for name, value in (("--source", self.source), ("--fps", self.fps)):
            if value is not None and self.network != "auto":
                raise InputError(
                    f"{name} {value} is for --network auto, and {self.network!r} is named; give one of them"
                )


_Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        help="Log what the library does; -vv adds details.",
        rich_help_panel=LOG,
    ),
]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Log errors only.", rich_help_panel=LOG)]


def takes_filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `FilterOptions` in place of its parameter ``filter_options``."""
    options = [_keyword(field.name, field.type, field.default) for field in fields(FilterOptions)]
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters.extend(options if parameter.name == "filter_options" else [parameter])

    def with_options(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of the command
        given = {option.name: kwargs.pop(option.name) for option in options}
        command(*args, filter_options=FilterOptions(**given), **kwargs)

    return _as_command(with_options, command, parameters)


def takes_log_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command accept -v and -q after its name too."""
    own = list(inspect.signature(command).parameters.values())
    options = [_keyword("verbose", _Verbose, 0), _keyword("quiet", _Quiet, default=False)]

    def with_options(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of the command
        verbose, quiet = kwargs.pop("verbose"), kwargs.pop("quiet")
        if verbose or quiet:
            logs.set_verbosity(-1 if quiet else verbose)
        command(*args, **kwargs)

    return _as_command(with_options, command, [*own, *options])


def _keyword(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _as_command(
    function: Callable[..., None], command: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """Give a function a command's name and help, and parameters that Typer reads."""
    dressed = wraps(command)(function)
    dressed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    dressed.__annotations__ = {each.name: each.annotation for each in parameters}
    return dressed
