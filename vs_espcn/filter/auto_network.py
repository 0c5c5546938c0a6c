"""``network="auto"``: choose a network for a kind of source and for a frame rate to keep up with."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from vs_espcn.errors import InputError
from vs_espcn.filter.target_size import UpscaleSteps
from vs_espcn.networks.cost import macs_per_sample
from vs_espcn.networks.quality import SOURCES, SourceKind, quality_of
from vs_espcn.networks.registry import AUTO, load_network, network_metadata
from vs_espcn.runtime.backends import Backend
from vs_espcn.runtime.precision import form_for

DEFAULT_SOURCE: SourceKind = "video"
"""Most of what is upscaled went through an encoder."""

NO_DIFFERENCE = 0.05
"""dB that nobody sees: so close to the best, the least operations decide."""

_REFERENCE = "espcn"
"""Without a frame rate, no network is chosen that takes more operations than this one."""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """Criteria by which a network is chosen.

    Attributes:
        source: The kind of source.
        fps: Frames per second that have to be kept up with; None for no limit.
    """

    source: SourceKind = DEFAULT_SOURCE
    fps: float | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network that could be chosen.

    Attributes:
        name: The network's name.
        steps: How it reaches the size.
        psnr: Its measured quality on the kind of source, in dB.
        macs: Its multiply-adds per sample of the clip.
        trained_for_it: True if it was trained on that kind of source.
    """

    name: str
    steps: UpscaleSteps
    psnr: float
    macs: float
    trained_for_it: bool


@dataclass(frozen=True, kw_only=True)
class NetworkChoice:
    """The chosen network.

    Attributes:
        network: The network's name.
        reason: Why, in a few words.
        reaches_fps: True if it reaches the requested fps.
    """

    network: str
    reason: str
    reaches_fps: bool = True


def criteria_for(network: str, source: str | None, fps: float | None) -> Criteria | None:
    """Validate and return the criteria for a network.

    Args:
        network: Name of a network, or ``"auto"``.
        source: One of `vs_espcn.networks.quality.SOURCES`; None for the default.
        fps: Frames per second, or None.

    Returns:
        The criteria if the network is ``"auto"``, else None.

    Raises:
        InputError: A value cannot be used, or is given for a named network.
    """
    if network != AUTO:
        if source is not None or fps is not None:
            given = f"source={source!r}" if source is not None else f"fps={fps!r}"
            raise InputError(
                f"{given} is for network='auto', and network is {network!r}; leave out one of them"
            )
        return None
    if source not in (None, *SOURCES):
        raise InputError(f"source is {source!r}; choose one of {', '.join(SOURCES)}")
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < 1e9):
        raise InputError(f"fps is {fps!r}; give a number above 0, or leave it out for no limit of time")
    return Criteria(source=source or DEFAULT_SOURCE, fps=fps)


def runnable(candidates: Mapping[str, UpscaleSteps], backend: Backend) -> dict[str, UpscaleSteps]:
    """Return the candidates that have a form in the backend's precision, at least one, in that form.

    Raises:
        InputError: None has.
        BackendError: The processor cannot compute in that precision.
    """
    found: dict[str, UpscaleSteps] = {}
    refusal: InputError | None = None
    for name, steps in candidates.items():
        try:
            found[name] = replace(steps, steps=tuple(form_for(step, backend) for step in steps.steps))
        except InputError as error:
            refusal = error
    if not found and refusal:
        raise refusal
    return found


def choose_network(
    candidates: Mapping[str, UpscaleSteps], criteria: Criteria, rate: Callable[[str], float]
) -> NetworkChoice:
    """Choose a network by ``engines/quality.json``, and by its speed if a frame rate is given.

    The best is the one of the highest PSNR on the kind of source; of those
    within `NO_DIFFERENCE` of it, the one of the fewest operations, and of these
    the one that was trained on that kind of source. Without a frame rate, the
    candidates are the networks of at most ESPCN's operations. With one, they
    are measured from the best downwards until one keeps up; where none does,
    it is the fastest.

    Args:
        candidates: How each network reaches the size, by the networks' names.
        criteria: The kind of source, and the frame rate.
        rate: Frames per second with a network; not called without need.

    Raises:
        InputError: Nothing is known of the networks' quality.
    """
    ranking = _ranked(_candidates(candidates, criteria.source))
    if criteria.fps is not None:
        return _best_that_keeps_up(ranking, criteria.source, criteria.fps, rate)
    limit = _macs(candidates[_REFERENCE]) if _REFERENCE in candidates else math.inf
    within = [each for each in ranking if each.macs <= limit] or ranking
    also = f" with no more operations than {_REFERENCE}" if within[0].macs <= limit < math.inf else ""
    return NetworkChoice(network=within[0].name, reason=f"{_rank_reason(within[0], criteria.source)}{also}")


def _ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Sort by quality, best first, without networks that are neither better nor faster than another."""
    ranking: list[Candidate] = []
    rest = candidates
    while rest:
        highest = max(each.psnr for each in rest)
        near = [each for each in rest if each.psnr >= highest - NO_DIFFERENCE]
        best = min(near, key=lambda each: (each.macs, not each.trained_for_it, -each.psnr))
        ranking.append(best)
        rest = [each for each in rest if each.macs < best.macs]
    return ranking


def _candidates(candidates: Mapping[str, UpscaleSteps], source: SourceKind) -> list[Candidate]:
    found = []
    for name, steps in candidates.items():
        qualities = [quality_of(step) for step in steps.steps]
        if all(qualities):
            psnr = fmean(quality.on(source) for quality in qualities if quality)
            facts = network_metadata(load_network(steps.steps[0].path))
            found.append(
                Candidate(
                    name=name,
                    steps=steps,
                    psnr=psnr,
                    macs=_macs(steps),
                    trained_for_it=facts.get("degradation") == source,
                )
            )
    if not found:
        raise InputError(
            f"network='auto' knows nothing of the quality of {', '.join(candidates)}; name the network, "
            "or measure them with scripts/dev/network_quality.py"
        )
    return found


def _macs(steps: UpscaleSteps) -> float:
    """Multiply-adds per sample of the clip; each step works on the result of the one before."""
    total, area = 0.0, 1
    for step in steps.steps:
        total += macs_per_sample(load_network(step.path)) * area
        area *= step.scale**2
    return total


def _best_that_keeps_up(
    ranking: list[Candidate], source: SourceKind, fps: float, rate: Callable[[str], float]
) -> NetworkChoice:
    rates: dict[str, float] = {}
    for each in ranking:
        rates[each.name] = rate(each.name)
        if rates[each.name] >= fps:
            reason = (
                f"{_rank_reason(each, source)} that keeps up with {fps:g} fps here ({_listed_rates(rates)})"
            )
            return NetworkChoice(network=each.name, reason=reason)
    fastest = max(rates, key=rates.__getitem__)
    reason = f"the fastest here, as none keeps up with {fps:g} fps ({_listed_rates(rates)})"
    return NetworkChoice(network=fastest, reason=reason, reaches_fps=False)


def _rank_reason(candidate: Candidate, source: SourceKind) -> str:
    return f"the best on {source} sources ({candidate.psnr:.2f} dB)"


def _listed_rates(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {rate:.1f} fps" for name, rate in rates.items())
