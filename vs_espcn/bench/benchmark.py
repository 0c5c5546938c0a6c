"""Run the CPU benchmark over several scales and report it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from vs_espcn.bench.cpu import FILTER, CpuResult, UpscaleCase, measure_filter
from vs_espcn.errors import BackendError
from vs_espcn.networks import registry
from vs_espcn.runtime import hardware


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of a run, its machine and date, and a line for everything that could not be measured."""

    date: str
    machine: str
    versions: dict[str, str]
    results: list[CpuResult]
    missing: list[str]


def run_benchmark(
    networks: Sequence[str],
    scales: Sequence[int],
    precisions: Sequence[str],
    *,
    frames: int,
    repeats: int,
    peers: bool,
    on_step: Callable[[str], None],
) -> Report:
    """Measure the filter at several scales.

    Args:
        networks: Shipped networks; the engine alone and the peers run the first one only.
        scales: Scales of the networks, each to 1920×1080.
        precisions: Precisions of `OpenVINO`.
        frames: Frames per contestant and round.
        repeats: Rounds.
        peers: True to measure others' ways to upscale too.
        on_step: Called before each step with its description.

    Raises:
        InputError: A network is not shipped, or the first lacks one of the scales.
        BackendError: This machine can run none of the precisions.
    """
    for network in networks:
        registry.of_network(network)
    for scale in scales:
        registry.find(networks[0], scale)
    results: list[CpuResult] = []
    missing: dict[str, None] = {}
    for scale in scales:
        on_step(f"x{scale}")
        case = UpscaleCase(scale=scale)
        of_scale, absent = measure_filter(
            case, networks, precisions, frames=frames, repeats=repeats, with_peers=peers
        )
        results += of_scale
        missing |= dict.fromkeys(absent)
    if not any(each.name == FILTER for each in results):
        raise BackendError(f"nothing can be measured here: {'; '.join(missing)}")
    return Report(
        date=date.today().isoformat(),
        machine=hardware.processor(),
        versions=hardware.package_versions(),
        results=results,
        missing=list(missing),
    )
