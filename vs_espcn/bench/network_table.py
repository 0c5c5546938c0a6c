"""Tabulate the shipped networks: their PSNR, their size and their speed on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass

import vapoursynth as vs

from vs_espcn.bench.cpu import UpscaleCase
from vs_espcn.bench.interleaving import grey_clip
from vs_espcn.errors import InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.throughput import frame_rate
from vs_espcn.filter.upscale import chosen_network, upscale_with
from vs_espcn.networks import registry
from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.networks.quality import SOURCES, Quality, SourceKind, quality_of, quality_of_bicubic
from vs_espcn.runtime.backends import Backend
from vs_espcn.runtime.precision import form_for

BICUBIC = "bicubic"
"""The resizer beside the networks."""


@dataclass(frozen=True, kw_only=True)
class NetworkRow:
    """One network at one scale, or bicubic.

    Attributes:
        network: Its name.
        scale: Its scale.
        quality: Its measured PSNR and SSIM; None if never measured.
        macs: Multiply-adds per source sample; None for bicubic.
        ms: Milliseconds per frame of 1920×1080 output in 8-bit 4:2:0; None if not
            measured or if it cannot run on this machine.
        chosen_for: The kinds of source for which ``network="auto"`` chooses it.
    """

    network: str
    scale: int
    quality: Quality | None
    macs: float | None
    ms: float | None
    chosen_for: tuple[SourceKind, ...]


def scales() -> list[int]:
    """List the scales of the shipped networks."""
    return sorted({spec.scale for spec in registry.shipped()})


def rows(scale: int | None, backend: Backend, *, timed: bool, int8: bool = False) -> Iterator[NetworkRow]:
    """List bicubic and the shipped networks by scale, those with the fewest operations first.

    Args:
        scale: The only scale to list; None for all.
        backend: The backend that would run them.
        timed: Whether to measure their speed on it.
        int8: Whether to list also int8 forms that ``network="auto"`` would not choose there.

    Raises:
        InputError: No network has this scale.
    """
    wanted = scales() if scale is None else [scale]
    for each in wanted:
        specs = [spec for spec in registry.shipped() if spec.scale == each]
        if not specs:
            raise InputError(f"scale {each} has no network; choose one of {', '.join(map(str, scales()))}")
        chosen = {source: _chosen(each, source, backend) for source in SOURCES}
        yield _bicubic(each, timed=timed)
        specs = [spec for spec in specs if int8 or not spec.is_int8 or spec.network in chosen.values()]
        of_scale = [(macs_per_sample(registry.load_network(spec.path)), spec) for spec in specs]
        for macs, spec in sorted(of_scale, key=lambda pair: (pair[0], pair[1].network)):
            yield NetworkRow(
                network=spec.network,
                scale=each,
                quality=quality_of(spec),
                macs=macs,
                ms=_milliseconds(spec, backend) if timed else None,
                chosen_for=tuple(source for source in SOURCES if chosen[source] == spec.network),
            )


def _bicubic(scale: int, *, timed: bool) -> NetworkRow:
    clip = grey_clip(*UpscaleCase(scale=scale).source)
    larger = vs.core.resize.Bicubic(clip, clip.width * scale, clip.height * scale)
    return NetworkRow(
        network=BICUBIC,
        scale=scale,
        quality=quality_of_bicubic(scale),
        macs=None,
        ms=1000 / frame_rate(larger) if timed else None,
        chosen_for=(),
    )


def _milliseconds(spec: registry.ModelSpec, backend: Backend) -> float | None:
    clip = grey_clip(*UpscaleCase(scale=spec.scale).source)
    try:
        options = UpscaleOptions(scale=spec.scale, network=spec.network, backend=backend)
        return 1000 / frame_rate(upscale_with(clip, options))
    except vs.Error:  # an int8 network where there is no int8, or another precision
        return None


def _chosen(scale: int, source: SourceKind, backend: Backend) -> str | None:
    """Return the name that runs: that of the int8 form if the backend's precision is int8."""
    clip = grey_clip(*UpscaleCase(scale=scale).source)
    options = UpscaleOptions(scale=scale, network=registry.AUTO, source=source, backend=backend)
    try:
        choice = chosen_network(clip, options)
        return form_for(registry.find(choice.network, scale), backend).network
    except InputError:  # nothing is known of the networks' quality
        return None
