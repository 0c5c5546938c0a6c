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
_Backend = Annotated[str, typer.Option(help="What to measure: openvino, tensorrt or torch.")]
_Precision = Annotated[
    list[str] | None,
    typer.Option(help="Precision of the network; may be repeated on openvino. Default: all."),
]
_Frames = Annotated[int, typer.Option(min=1, help="Frames per contestant and round.")]
_Repeats = Annotated[int, typer.Option(min=1, help="Rounds; medians are printed.")]
_Peers = Annotated[bool, typer.Option(help="Measure vs-mlrt, OpenCV, ffmpeg and zimg too.")]
_Growth = Annotated[
    bool, typer.Option("--growth", help="Also: speed by cores and size, start, the processor's own rate.")
]
_Encode = Annotated[
    Path | None, typer.Option(metavar="CLIP", help="Also: encodes of this file with x264 veryfast.")
]
_Soak = Annotated[
    int, typer.Option(min=0, help="Instead, run the filter for this many frames and print peak memory.")
]
_JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
_Chart = Annotated[Path | None, typer.Option(help="PNG file for a chart of the frame rates.")]


def bench(
    scale: _Scale = None,
    network: _Network = None,
    backend: _Backend = "openvino",
    precision: _Precision = None,
    frames: _Frames = 60,
    repeats: _Repeats = 5,
    peers: _Peers = True,
    growth: _Growth = False,
    encode: _Encode = None,
    soak: _Soak = 0,
    json_file: _JsonFile = None,
    chart: _Chart = None,
) -> None:
    """Measure the filter beside the engine alone and its peers; the last line is JSON."""
    import json

    load_openvino()
    import vapoursynth as vs

    from vs_espcn.file_writing import write
    from vs_espcn.runtime.backends import OpenVINO, backend_kind

    kind, scales = backend_kind(backend), scale or [2, 3, 4]
    special = {"--network": network, "--growth": growth, "--encode": encode, "--chart": chart}
    _check_files(json_file, chart, encode)
    try:
        if soak or kind is not OpenVINO:
            for option in (name for name, given in special.items() if given):
                raise InputError(f"{option} was given; it is for the frame rates on openvino, leave it out")
            if len(precision or []) > 1:
                raise InputError(f"precision was given {len(precision or [])} times; give it once")
            chosen = kind(precision=(precision or ["auto"])[0])  # type: ignore[arg-type]
            figures = _soak(scales, chosen, soak) if soak else _on_gpu(scales, chosen, frames, repeats)
        else:
            from vs_espcn.bench.benchmark import Benchmark

            job = Benchmark(
                networks=network or ["espcn"],
                scales=scales,
                precisions=[_resolved(each) for each in precision] if precision else ALL_PRECISIONS,
                frames=frames,
                repeats=repeats,
                peers=peers,
                growth=growth,
                clip=encode,
            )
            figures = _on_cpu(job, chart)
    except vs.Error as error:
        raise BackendError(str(error).removeprefix("vs_espcn: ")) from None
    if json_file:
        write(json_file, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(json.dumps(figures))


def _check_files(json_file: Path | None, chart: Path | None, clip: Path | None) -> None:
    """Refuse, before anything is measured, files that cannot be written or read at the end."""
    from importlib.util import find_spec

    from vs_espcn.encoding.source import check_input
    from vs_espcn.file_writing import check_destinations

    check_destinations([json_file, chart])
    if chart and chart.suffix.lower() != ".png":
        raise InputError(f"--chart {str(chart)!r} is a picture; give it the suffix .png")
    if chart and find_spec("matplotlib") is None:
        raise InputError("Matplotlib is not installed; --chart needs it: pip install vs-espcn[bench]")
    if clip:
        check_input(clip)


ALL_PRECISIONS = ("fp32", "bf16", "int8")


def _resolved(precision: str) -> str:
    """One that was asked for by name: an `InputError` or `BackendError` if there is none such here."""
    from vs_espcn.runtime.backends import OpenVINO
    from vs_espcn.runtime.openvino import resolve_precision

    if precision == "fast":
        return "int8"
    backend = OpenVINO(precision=precision)  # type: ignore[arg-type]
    return resolve_precision(backend.device, backend.precision)


def _soak(scales: Sequence[int], backend: Any, frames: int) -> dict[str, Any]:  # noqa: ANN401 - any backend
    from dataclasses import asdict

    from vs_espcn.bench.memory import soak

    rows = [asdict(memory) for memory in soak(scales, backend, frames=frames)]
    _print_rows(rows)
    return {"memory": rows}


def _on_gpu(scales: Sequence[int], backend: Any, frames: int, repeats: int) -> dict[str, Any]:  # noqa: ANN401
    from dataclasses import asdict

    from vs_espcn.bench import gpu

    measured = gpu.measure_gpu(gpu.all_cases(scales), backend, frames=frames, repeats=repeats)
    rows = [asdict(result) for result in measured]
    _print_rows(rows)
    return {"results": rows}


def _on_cpu(job: Any, chart: Path | None) -> dict[str, Any]:  # noqa: ANN401 - imported where it is made
    from dataclasses import asdict

    from rich.console import Console

    from vs_espcn.bench.benchmark import run_benchmark

    console = Console(stderr=True)
    with console.status("measuring") as status:
        report = run_benchmark(job, lambda step: status.update(f"measuring {step}"))
    if chart:
        from vs_espcn.bench.chart import draw
        from vs_espcn.file_writing import write

        write(chart, draw(report.results))
    figures = asdict(report)
    for part in ("results", "shares", "growth", "starts", "encodes"):
        _print_rows(figures[part])
    for line in report.missing:
        typer.echo(f"not measured: {line}")
    return figures


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    from vs_espcn.console import print_table

    if rows:
        print_table(list(rows[0]), (list(row.values()) for row in rows))
