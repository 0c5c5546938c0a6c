"""One run of everything that was asked for, and its report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from vs_espcn.bench.cpu import FILTER, RAW, CpuResult, FilterSettings, UpscaleCase, measure_filter
from vs_espcn.bench.encode import Encode, check_encodes, encodes
from vs_espcn.bench.growth import Growth, by_cores, by_size
from vs_espcn.bench.start import Start, measure_start
from vs_espcn.errors import BackendError
from vs_espcn.networks import cost, registry
from vs_espcn.runtime import hardware
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.runtime.matrix_rate import matrix_rate


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What to measure.

    Attributes:
        networks: Shipped networks; the engine alone, peers, shares and start are
            measured with the first, growth with the fastest of each scale.
        scales: Scales of the networks, each to 1920×1080.
        precisions: Arithmetics of the network, of `OpenVINO`.
        frames: Frames per contestant and round.
        repeats: Rounds.
        peers: Whether to measure others' ways too.
        growth: Whether to measure how speed grows with cores and size, the
            start, and the processor's matrix rate.
        clip: A file to encode; None for none.
    """

    networks: Sequence[str]
    scales: Sequence[int]
    precisions: Sequence[str]
    frames: int
    repeats: int
    peers: bool
    growth: bool
    clip: Path | None


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of the processor's rate of matrix products a network reaches.

    Attributes:
        scale: Scale of the network.
        precision: Its arithmetic.
        network: Operations per second of the engine alone, in 10⁹.
        matrix: Operations per second of matrix products, in 10⁹.
        share: The one as a part of the other.
    """

    scale: int
    precision: str
    network: float
    matrix: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run's figures; all but the results are empty unless asked for."""

    date: str
    machine: str
    versions: dict[str, str]
    results: list[CpuResult]
    missing: list[str]
    shares: list[Share] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    encodes: list[Encode] = field(default_factory=list)


def run_benchmark(job: Benchmark, on_step: Callable[[str], None]) -> Report:
    """Measure.

    Args:
        job: What to measure.
        on_step: Told what is measured next.

    Raises:
        InputError: A network is not shipped, the first lacks one of the scales, or the clip
            cannot be encoded.
        BackendError: No precision can run here, or a process of its own failed.
    """
    for network in job.networks:
        registry.of_network(network)
    for scale in job.scales:
        registry.find(job.networks[0], scale)
    if job.clip:
        check_encodes(job.clip)
    results: list[CpuResult] = []
    missing: dict[str, None] = {}
    for scale in job.scales:
        on_step(f"x{scale}")
        of_scale, absent = measure_filter(
            UpscaleCase(scale=scale),
            job.networks,
            job.precisions,
            frames=job.frames,
            repeats=job.repeats,
            with_peers=job.peers,
        )
        results += of_scale
        missing |= dict.fromkeys(absent)
    if not any(each.name == FILTER for each in results):
        raise BackendError(f"nothing can be measured here: {'; '.join(missing)}")
    of_machine = Report(
        date=date.today().isoformat(),
        machine=hardware.processor(),
        versions=hardware.package_versions(),
        results=results,
        missing=list(missing),
    )
    if job.growth:
        _grow(job, of_machine, on_step)
    if job.clip:
        on_step("encodes")
        of_machine.encodes.extend(encodes(job.clip, _to_encode(job, results), repeats=job.repeats))
    return of_machine


def _grow(job: Benchmark, of_machine: Report, on_step: Callable[[str], None]) -> None:
    raw = [each for each in of_machine.results if each.name == RAW]
    for precision in dict.fromkeys(each.precision for each in raw):
        on_step(f"matrix products, {precision}")
        rate = matrix_rate(OpenVINO(), precision)  # type: ignore[arg-type]
        of_machine.shares.extend(_share(each, rate) for each in raw if each.precision == precision)
    for scale in job.scales:
        ours = [each for each in of_machine.results if each.name == FILTER and each.scale == scale]
        if not ours:
            continue
        on_step(f"growth and start, x{scale}")
        fastest = max(ours, key=lambda each: each.fps)
        way = FilterSettings(network=fastest.network, scale=scale, precision=fastest.precision)
        for points in (by_size, by_cores):
            of_machine.growth.extend(points(way, frames=job.frames, repeats=job.repeats))
        of_machine.starts.append(measure_start(job.networks[0], scale, repeats=job.repeats))


def _to_encode(job: Benchmark, results: Sequence[CpuResult]) -> list[FilterSettings]:
    """At the least scale: the first network at every precision, the others at their fastest."""
    scale = min(job.scales)
    ours = [each for each in results if each.name == FILTER and each.scale == scale]
    fastest = {
        network: max((each.fps, each.precision) for each in ours if each.network == network)[1]
        for network in dict.fromkeys(each.network for each in ours)
    }
    return [
        FilterSettings(network=each.network, scale=scale, precision=each.precision)
        for each in ours
        if each.network == job.networks[0] or each.precision == fastest[each.network]
    ]


def _share(raw: CpuResult, rate: float) -> Share:
    network = registry.load_network(registry.find(raw.network, raw.scale).path)
    width, height = map(int, raw.size.split("x"))
    operations = 2 * cost.macs_per_sample(network) * (width // raw.scale) * (height // raw.scale) * raw.fps
    return Share(
        scale=raw.scale,
        precision=raw.precision,
        network=operations / 1e9,
        matrix=rate / 1e9,
        share=operations / rate,
    )
