"""``vs-espcn export``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vs_espcn.commands import cli_options
from vs_espcn.errors import InputError

if TYPE_CHECKING:
    from vs_espcn.networks.registry import ModelSpec

_Format = Annotated[
    Literal["glsl", "onnx"],
    typer.Option("--format", help="glsl: a user shader of mpv. onnx: for vs-mlrt and TensorRT."),
]
_Variant = Annotated[
    Literal["compute", "fragment"] | None,
    typer.Option(
        help="Of glsl: compute is faster; fragment runs where compute shaders don't. Default: compute."
    ),
]
_Range = Annotated[
    Literal["limited", "full"] | None,
    typer.Option("--range", help="Range of the video. Default: limited; floats have one range."),
]
_Bits = Annotated[
    int | None, typer.Option(help="Of onnx: depth of the samples, 8 to 16, or 32 for float. Default: 32.")
]
_Size = Annotated[
    str | None, typer.Option(metavar="WxH", help="Of onnx: size of the source plane. Default: any.")
]


def export(
    network: Annotated[str, typer.Argument(help="Name of a shipped network, or path of an ONNX file.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")],
    scale: Annotated[int, typer.Option(help="Scale of the network.")] = 2,
    file_format: _Format = "glsl",
    variant: _Variant = None,
    range_: _Range = None,
    bits: _Bits = None,
    size: _Size = None,
    overwrite: cli_options.Overwrite = False,
) -> None:
    """Write a network with its video input and output for other players and runtimes."""
    from vs_espcn.file_writing import check_destinations, write
    from vs_espcn.networks import registry

    for_onnx = {"--bits": bits, "--size": size}
    for name, value in for_onnx.items() if file_format == "glsl" else {"--variant": variant}.items():
        if value is not None:
            raise InputError(f"{name} was given; it is not for --format {file_format}, leave it out")
    spec = registry.find(network, scale)
    check_destinations([output])
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists; give another name, or --overwrite")
    if file_format == "glsl":
        content = _shader(spec, range_, variant or "compute")
    else:
        content = _graph(spec, range_, 32 if bits is None else bits, size)
    write(output, content)
    typer.echo(f"{output}: {spec.network} x{spec.scale}, {len(content) / 1000:.0f} KB")


def _shader(spec: "ModelSpec", range_: str | None, variant: Literal["compute", "fragment"]) -> bytes:
    from vs_espcn.networks.registry import load_network
    from vs_espcn.networks.user_shader import user_shader

    text = user_shader(
        load_network(spec.path),
        title=f"{spec.network} x{spec.scale}",
        full_range=range_ == "full",
        variant=variant,
    )
    return text.encode()


def _graph(spec: "ModelSpec", range_: str | None, bits: int, size: str | None) -> bytes:
    from vs_espcn.networks import graph
    from vs_espcn.networks.registry import load_network

    if bits not in graph.SAMPLES:
        raise InputError(f"bits is {bits}; choose one of {', '.join(map(str, graph.SAMPLES))}")
    if range_ and bits == 32:
        raise InputError("--range was given; float samples have one range, leave it out")
    found = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size or "64x64")
    if not found:
        raise InputError(f"size {str(size)[:40]!r} is not understood; give it like 960x540")
    model = graph.build_graph(
        load_network(spec.path),
        graph.SAMPLES[bits],
        full_range=range_ == "full",
        width=int(found[1]),
        height=int(found[2]),
    )
    return (model if size else graph.of_any_size(model)).SerializeToString()
