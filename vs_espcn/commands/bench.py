"""``vs-espcn bench``."""

from contextlib import suppress
from typing import Annotated

import typer

from vs_espcn.errors import BackendError


def bench(
    scale: Annotated[
        list[int] | None, typer.Option(help="Scale to measure; may be repeated. Default: 2, 3 and 4.")
    ] = None,
    backend: Annotated[str, typer.Option(help="What to measure: openvino, tensorrt or torch.")] = "openvino",
    precision: Annotated[
        str, typer.Option(help="Arithmetic of the network: auto, fp32, bf16 (openvino) or fp16 (GPUs).")
    ] = "auto",
    frames: Annotated[int, typer.Option(min=1, help="Frames per contestant and round.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; medians are printed.")] = 5,
    soak: Annotated[
        int, typer.Option(min=0, help="Instead, run the filter for this many frames and print peak memory.")
    ] = 0,
) -> None:
    """Measure the filter, beside the engine alone and vs-mlrt; the last line is JSON."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    with suppress(BackendError):
        from vs_espcn.runtime import openvino  # noqa: F401 - before VapourSynth's plugins, as in `upscale`
    import vapoursynth as vs

    from vs_espcn.runtime.base import OpenVINO, backend_kind
    from vs_espcn.video import bench as benchmark

    chosen = backend_kind(backend)(precision=precision)  # type: ignore[arg-type]
    scales = scale or [2, 3, 4]
    try:
        if soak:
            rows = [asdict(benchmark.soak(each, chosen, frames=soak)) for each in scales]
        elif isinstance(chosen, OpenVINO):
            rows = [
                asdict(result)
                for each in scales
                for result in benchmark.compare(each, chosen, frames=frames, repeats=repeats)
            ]
        else:
            from vs_espcn.video import bench_gpu

            rows = [
                asdict(result)
                for result in bench_gpu.compare(
                    bench_gpu.all_cases(scales), chosen, frames=frames, repeats=repeats
                )
            ]
    except vs.Error as error:
        raise BackendError(str(error).removeprefix("vs_espcn: ")) from None
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    typer.echo(json.dumps(rows))
