"""``vs-espcn build`` and ``vs-espcn cache``."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from vs_espcn.commands.cli_options import takes_log_options
from vs_espcn.errors import InputError

if TYPE_CHECKING:
    from vs_espcn.runtime.tensorrt.plan_cache import StoredPlan


def build(
    *,
    size: Annotated[str | None, typer.Option(help="Size of the clip, for example 960x540.")] = None,
    max_size: Annotated[
        str | None,
        typer.Option(help="Build one plan for all sizes up to this one instead, for TensorRT(max_size=…)."),
    ] = None,
    scale: Annotated[int, typer.Option(help="Scale of the network.")] = 2,
    network: Annotated[
        str, typer.Option(help="Name of a shipped network, or path of an ONNX file.")
    ] = "espcn",
    bits: Annotated[int, typer.Option(help="Depth of the clip: 8 to 16, or 32 for float.")] = 8,
    precision: Annotated[str, typer.Option(help="Precision: auto, fp32, fp16 or int8.")] = "auto",
    flavour: Annotated[str, typer.Option(help="auto, tensorrt or tensorrt_rtx.")] = "auto",
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(help="GPU to build for, such as 8.9; may be repeated. Default: the one here."),
    ] = None,
) -> None:
    """Build TensorRT plans ahead of time; TensorRT-RTX also builds for GPUs of other machines."""
    from rich.console import Console

    from vs_espcn.runtime.tensorrt import prebuild

    given = [each for each in (size, max_size) if each is not None]
    if len(given) != 1:
        raise InputError(f"{len(given)} sizes are given; give either --size or --max-size, like 960x540")
    found = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", given[0])
    if not found:
        raise InputError(f"size {given[0][:40]!r} is not understood; give it like 960x540")
    request = prebuild.BuildRequest(
        width=int(found[1]),
        height=int(found[2]),
        scale=scale,
        network=network,
        bits=bits,
        precision=precision,  # type: ignore[arg-type]
        flavour=flavour,  # type: ignore[arg-type]
        capabilities=tuple(compute_capability or ()),
        any_size=size is None,
    )
    with Console(stderr=True).status("building") as status:
        stored = prebuild.build_plans(
            request, lambda title, phase, done: status.update(f"{title}: {phase} {done:.0%}")
        )
    for plan in stored:
        typer.echo(_plan_line(plan))


cache_app = typer.Typer(help="List or clear the cache of built TensorRT plans.", no_args_is_help=True)


@cache_app.command("list")
@takes_log_options
def cache_list() -> None:
    """Print every built plan and its size."""
    from vs_espcn.runtime.tensorrt import plan_cache

    for plan in plan_cache.stored_plans():
        typer.echo(_plan_line(plan))


@cache_app.command("clear")
@takes_log_options
def cache_clear() -> None:
    """Delete every built plan."""
    from vs_espcn.runtime.tensorrt import plan_cache

    typer.echo(f"deleted {plan_cache.clear()} plans from {plan_cache.plans_dir()}")


def _plan_line(plan: "StoredPlan") -> str:
    what = f"{plan.key.title}, {plan.key.flavour} {plan.key.version}" if plan.key else "not a plan of ours"
    return f"{plan.path.stem[:12]}  {plan.nbytes // 1024:6} KB  {what}"
