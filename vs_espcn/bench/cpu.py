"""Measure the filter on the CPU at every precision, with its upper bound and its peers."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from statistics import median

import vapoursynth as vs

from vs_espcn.bench.interleaving import Contestant, ContestantKey, Runner, grey_clip, measure, to_null
from vs_espcn.bench.peers import OV_CLIP, peers
from vs_espcn.errors import BackendError, InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import OpenVINO, lane_count
from vs_espcn.runtime.openvino import raw_runner
from vs_espcn.runtime.precision import network_for

RAW = "OpenVINO alone"
FILTER = "vs_espcn.upscale, whole clip"


@dataclass(frozen=True, kw_only=True)
class UpscaleCase:
    """A scale and an output size; the real output may be larger by up to two source samples."""

    scale: int
    width: int = 1920
    height: int = 1080

    @property
    def source(self) -> tuple[int, int]:
        """Width and height of the source; both even, as 4:2:0 requires."""
        return self._even(self.width), self._even(self.height)

    @property
    def size(self) -> str:
        """Width and height of the output, as ``1920x1080``."""
        width, height = self.source
        return f"{width * self.scale}x{height * self.scale}"

    def _even(self, length: int) -> int:
        return 2 * math.ceil(length / self.scale / 2)


@dataclass(frozen=True, kw_only=True)
class CpuResult:
    """The figures of one contestant.

    Attributes:
        name: The contestant's name.
        network: The network it ran; empty if none.
        scale: Scale of the network.
        size: Output size, for example ``1920x1080``.
        precision: Precision of the network; empty if none.
        ms: Milliseconds per frame, median of the rounds.
        fps: Frames per second, median of the rounds.
        slowest: Frame rate of the slowest round.
        fastest: Frame rate of the fastest round.
        of_raw: Speed relative to the engine alone with the same network and precision,
            the median over rounds; None if that was not measured.
        of_plugin: Speed relative to vs-mlrt as its users run it (the whole clip in fp32),
            the median over rounds; None if it is not installed.
    """

    name: str
    network: str
    scale: int
    size: str
    precision: str
    ms: float
    fps: float
    slowest: float
    fastest: float
    of_raw: float | None
    of_plugin: float | None


def measure_filter(
    case: UpscaleCase,
    networks: Sequence[str],
    precisions: Sequence[str],
    *,
    frames: int,
    repeats: int,
    with_peers: bool = True,
) -> tuple[list[CpuResult], list[str]]:
    """Measure one scale and output size.

    Args:
        case: Scale and output size.
        networks: Shipped networks for the filter; the engine alone and the peers run the first one only.
        precisions: Precisions of `OpenVINO`; those that this processor lacks are reported as missing.
        frames: Frames per contestant and round.
        repeats: Rounds.
        with_peers: Whether to measure the peers as well.

    Returns:
        The figures, and a line for everything that could not be measured.

    Raises:
        InputError: The first network is not shipped at this scale.
    """
    first = networks[0]
    registry.find(first, case.scale)
    plugin = ContestantKey(OV_CLIP, first.removesuffix(registry.INT8_SUFFIX), "fp32")
    clip = grey_clip(*case.source)
    ours, missing = _ours(clip, case, networks, precisions)
    others, absent = peers(clip, first, case.scale) if with_peers else ([], [])
    contestants = [*ours, *others]
    rates = measure(contestants, frames=frames, repeats=repeats)
    rounds = {each.key: of_each for each, of_each in zip(contestants, rates, strict=True)}
    results = [
        CpuResult(
            **asdict(key),
            scale=case.scale,
            size=case.size,
            ms=1000 / median(fps),
            fps=median(fps),
            slowest=min(fps),
            fastest=max(fps),
            of_raw=_ratio(fps, rounds.get(replace(key, name=RAW))),
            of_plugin=_ratio(fps, rounds.get(plugin)),
        )
        for key, fps in rounds.items()
    ]
    return results, [*missing, *absent]


def _ratio(fps: Sequence[float], base: Sequence[float] | None) -> float | None:
    return median(one / other for one, other in zip(fps, base, strict=True)) if base else None


def _ours(
    clip: vs.VideoNode, case: UpscaleCase, networks: Sequence[str], precisions: Sequence[str]
) -> tuple[list[Contestant], list[str]]:
    contestants, missing = [], []
    for network, precision in product(networks, precisions):
        try:
            backend = replace(OpenVINO(), precision=precision)  # type: ignore[arg-type]
            options = UpscaleOptions(scale=case.scale, network=network, backend=backend)
            upscaled = upscale_with(clip, options)
        except (BackendError, InputError, vs.Error) as error:
            missing.append(f"{FILTER}, {network} {precision}: {str(error).removeprefix('vs_espcn: ')}")
            continue
        runners = {FILTER: to_null(upscaled)}
        if network == networks[0]:
            runners = {RAW: _raw(clip, registry.find(network, case.scale), backend), **runners}
        contestants += [
            Contestant(ContestantKey(name, network, precision), run) for name, run in runners.items()
        ]
    return contestants, missing


def _raw(clip: vs.VideoNode, spec: registry.ModelSpec, backend: OpenVINO) -> Runner:
    """Make the contestant that runs the engine alone."""
    network = network_for(spec, backend)
    wrapped = graph.build_graph(network, graph.UINT8, full_range=False, width=clip.width, height=clip.height)
    return raw_runner(backend, wrapped, lanes=lane_count(backend, vs.core.num_threads))
