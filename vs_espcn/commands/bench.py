"""``vs-espcn bench``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vs_espcn.commands.libraries import load_openvino
from vs_espcn.errors import BackendError, InputError

_Scale = Annotated[
    list[int] | None, typer.Option(help="Scale to measure; may be repeated. Default: 2, 3 and 4.")
]
_Network = Annotated[
    list[str] | None,
    typer.Option(help="Shipped network; may be repeated. Peers run the first. Default: espcn."),
]
_Backend = Annotated[str, typer.Option(help="What to measure: openvino, tensorrt, torch or vulkan.")]
_Precision = Annotated[
    list[str] | None,
    typer.Option(help="Precision of the network; may be repeated on openvino. Default: all."),
]
_Device = Annotated[
    str | None, typer.Option(help="Number of the GPU, as upscale takes it. Default: the backend's own.")
]
_Frames = Annotated[int, typer.Option(min=1, help="Frames per contestant and round.")]
_Repeats = Annotated[int, typer.Option(min=1, help="Rounds; medians are printed.")]
_Peers = Annotated[bool, typer.Option(help="Measure vs-mlrt, OpenCV and zimg too.")]
_JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


def bench(
    scale: _Scale = None,
    network: _Network = None,
    backend: _Backend = "openvino",
    precision: _Precision = None,
    device: _Device = None,
    frames: _Frames = 60,
    repeats: _Repeats = 5,
    peers: _Peers = True,
    json_file: _JsonFile = None,
) -> None:
    """Measure the filter, the engine alone and other plugins; the last line is JSON."""
    import json

    load_openvino()
    import vapoursynth as vs

    from vs_espcn.file_writing import check_destinations, write
    from vs_espcn.runtime.backends import OpenVINO, Vulkan, backend_from_name, backend_kind

    kind, scales = backend_kind(backend), scale or [2, 3, 4]
    check_destinations([json_file])
    try:
        if kind is not OpenVINO:
            if network and kind is not Vulkan:
                raise InputError("--network was given; it is for openvino and vulkan, leave it out")
            if len(precision or []) > 1:
                raise InputError(f"precision was given {len(precision or [])} times; give it once")
            chosen = backend_from_name(backend, (precision or ["auto"])[0], device)
            if isinstance(chosen, Vulkan):
                figures = _on_vulkan(network or ["espcn"], scales, chosen, frames, repeats)
            else:
                figures = _on_gpu(scales, chosen, frames, repeats)
        elif device:
            raise InputError("--device was given; it is for tensorrt, torch and vulkan, leave it out")
        else:
            precisions = [_resolved(each) for each in precision] if precision else ALL_PRECISIONS
            figures = _on_cpu(network or ["espcn"], scales, precisions, frames, repeats, peers=peers)
    except vs.Error as error:
        raise BackendError(str(error).removeprefix("vs_espcn: ")) from None
    if json_file:
        write(json_file, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(json.dumps(figures))


ALL_PRECISIONS = ("fp32", "bf16", "int8")


def _resolved(precision: str) -> str:
    """Resolve a precision on this machine; raise `InputError` or `BackendError` if it cannot run."""
    from vs_espcn.runtime.backends import OpenVINO
    from vs_espcn.runtime.openvino import resolve_precision

    if precision == "fast":
        return "int8"
    backend = OpenVINO(precision=precision)  # type: ignore[arg-type]
    return resolve_precision(backend.device, backend.precision)


def _on_gpu(scales: Sequence[int], backend: Any, frames: int, repeats: int) -> dict[str, Any]:  # noqa: ANN401
    from dataclasses import asdict

    from vs_espcn.bench import gpu

    measured = gpu.measure_gpu(gpu.all_cases(scales), backend, frames=frames, repeats=repeats)
    rows = [asdict(result) for result in measured]
    _print_rows(rows)
    return {"results": rows}


def _on_vulkan(
    networks: Sequence[str],
    scales: Sequence[int],
    backend: Any,  # noqa: ANN401 - imported where it is made
    frames: int,
    repeats: int,
) -> dict[str, Any]:
    from dataclasses import asdict

    from vs_espcn.bench.vulkan import measure_vulkan

    measured = measure_vulkan(networks, scales, backend, frames=frames, repeats=repeats)
    rows = [asdict(result) for result in measured]
    _print_rows(rows)
    return {"results": rows}


def _on_cpu(
    networks: Sequence[str],
    scales: Sequence[int],
    precisions: Sequence[str],
    frames: int,
    repeats: int,
    *,
    peers: bool,
) -> dict[str, Any]:
    from dataclasses import asdict

    from rich.console import Console

    from vs_espcn.bench.benchmark import run_benchmark

    console = Console(stderr=True)
    with console.status("measuring") as status:
        report = run_benchmark(
            networks,
            scales,
            precisions,
            frames=frames,
            repeats=repeats,
            peers=peers,
            on_step=lambda step: status.update(f"measuring {step}"),
        )
    figures = asdict(report)
    _print_rows(figures["results"])
    for line in report.missing:
        typer.echo(f"not measured: {line}")
    return figures


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    from vs_espcn.console import print_table

    if rows:
        print_table(list(rows[0]), (list(row.values()) for row in rows))
