"""The filter: a clip's luma through a network, its chroma resized, joined again."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter import rgb
from vs_espcn.filter.auto_network import Criteria, NetworkChoice, choose_network, criteria_for, runnable
from vs_espcn.filter.chroma import ChromaKernel, chroma_location, find_resizer, scale_chroma
from vs_espcn.filter.frame_selection import alpha_clip, as_vs_error, by_range
from vs_espcn.filter.luma import LumaUpscaler, Tile
from vs_espcn.filter.memory import check_fits, keep_heap_flat
from vs_espcn.filter.properties import (
    Range,
    check_progressive,
    check_range,
    is_full_range,
    sample_aspect,
    sample_format,
    split_plane,
)
from vs_espcn.filter.target_size import UpscaleSteps, shipped_steps, steps_to
from vs_espcn.filter.throughput import conditions, endless_clip, frame_rate, remembered
from vs_espcn.filter.variable_format import is_varying, upscale_varying
from vs_espcn.networks.quality import SourceKind
from vs_espcn.runtime.backends import Backend, check_backend
from vs_espcn.runtime.selection import best_backend

_log = logging.getLogger(__name__)


def upscale(
    clip: vs.VideoNode,
    scale: float = 2,
    *,
    width: int | None = None,
    height: int | None = None,
    network: str | Path = "espcn",
    source: SourceKind | None = None,
    fps: float | None = None,
    backend: Backend | None = None,
    chroma: ChromaKernel = "spline36",
    range: Range | None = None,  # noqa: A002 - VapourSynth's name
    matrix: int | None = None,
    tile: Tile | None = None,
) -> vs.VideoNode:
    """Upscale a clip: luma through a super-resolution network, chroma by a resizer.

    Args:
        clip: GRAY, YUV of any subsampling, or RGB; 8 to 16 bits, half or
            single float; progressive. Chroma siting is that of its first
            frame. A clip whose format or size varies is upscaled frame by
            frame.
        scale: Factor on width and height, 1 or more. What the network's own
            scales (2, 3, 4, or two of them in turn) overshoot is resized away.
        width: Width of the result instead of `scale`; alone, it keeps the aspect.
        height: Height of the result instead of `scale`; alone, it keeps the aspect.
        network: Name of a shipped network, or path of an ONNX file; ``"auto"``
            chooses the best for `source`, and logs which and why.
        source: For ``network="auto"``: ``"clean"``, ``"video"`` (compressed,
            as it is if None) or ``"anime"`` (compressed cartoons).
        fps: For ``network="auto"``: frames per second that it has to keep up
            with, as is measured when it is not known from before; None for
            the best that takes no more operations than ESPCN.
        backend: Where the network runs; None picks the best that is present
            and logs which.
        chroma: Kernel for the chroma planes: a name of VapourSynth's
            resizers, with parameters after colons ("bicubic:0:0.5",
            "lanczos:4"); or a function that is given each chroma plane as a
            GRAY clip and returns it at its new size, centres aligned.
        range: ``"limited"`` or ``"full"`` for every frame; None goes by each
            frame's ``_Range``.
        matrix: For RGB, the matrix of the YUV in which it is upscaled; None
            is BT.709 from 1280×720 on, else BT.601.
        tile: Width and height of the tiles in which large frames are
            computed, in source samples; None chooses them to fit in memory.

    Returns:
        A clip of the same format, length, frame rate and frame properties.

    Raises:
        vs.Error: An argument or the clip cannot be used, or no backend runs
            here; raised at once rather than when frames are asked for,
            wherever it can be known then. The text begins with ``vs_espcn:``.
    """
    with as_vs_error():
        keep_heap_flat()
        job = _options(
            scale=scale,
            width=width,
            height=height,
            network=network,
            source=source,
            fps=fps,
            backend=backend,
            chroma=chroma,
            range=range,
            matrix=matrix,
            tile=tile,
        )
        return _upscale(clip, job)


def chosen_network(clip: vs.VideoNode, **arguments: Any) -> NetworkChoice:  # noqa: ANN401 - those of `upscale`
    """What `upscale` takes for ``network="auto"``, and why.

    Args:
        clip: Of constant format and size.
        **arguments: Of `upscale`.

    Raises:
        EspcnError: As the causes of the errors of `upscale`.
    """
    job = _options(**arguments)
    return _choose(clip, job, job.wish or Criteria())


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """The arguments of `upscale`, checked as far as they can be without a clip."""

    scale: float
    width: int | None
    height: int | None
    network: str
    wish: Criteria | None
    backend: Backend
    chroma: ChromaKernel
    range_: Range | None
    matrix: int | None
    tile: Tile | None


def _options(
    *,
    scale: float,
    width: int | None = None,
    height: int | None = None,
    network: str | Path,
    source: SourceKind | None = None,
    fps: float | None = None,
    backend: Backend | None = None,
    chroma: ChromaKernel = "spline36",
    range: Range | None = None,  # noqa: A002
    matrix: int | None = None,
    tile: Tile | None = None,
) -> UpscaleOptions:
    find_resizer(chroma)  # refuses what is no kernel
    return UpscaleOptions(
        scale=scale,
        width=width,
        height=height,
        network=str(network),
        wish=criteria_for(str(network), source, fps),
        backend=best_backend() if backend is None else check_backend(backend),
        chroma=chroma,
        range_=check_range(range),
        matrix=rgb.check_matrix(matrix),
        tile=tile,
    )


def _upscale(clip: vs.VideoNode, job: UpscaleOptions) -> vs.VideoNode:
    if not isinstance(clip, vs.VideoNode):
        raise InputError(f"clip is a {type(clip).__name__}; give a VapourSynth video clip")
    if is_varying(clip):
        if job.wish and job.wish.fps:
            raise InputError(
                "fps is given, and the clip's format or size varies; leave it out, or name a network"
            )
        return upscale_varying(clip, partial(_upscale_constant, job=job))
    return _upscale_constant(clip, clip.get_frame(0).props, job)


def _upscale_constant(clip: vs.VideoNode, props: vs.FrameProps, job: UpscaleOptions) -> vs.VideoNode:
    """Upscale a clip of constant format and size, going by the properties of one of its frames."""
    if job.wish:
        choice = _choose(clip, job, job.wish)
        _log.log(logging.INFO if choice.granted else logging.WARNING, "%s", choice)
        job = replace(job, network=choice.network, wish=None)
    upscaled = _upscale_colours(clip, props, job)
    return _with_alpha(upscaled, clip, props, job) if "_Alpha" in props else upscaled


def _choose(clip: vs.VideoNode, job: UpscaleOptions, wish: Criteria) -> NetworkChoice:
    plans = runnable(shipped_steps(clip, job.scale, job.width, job.height), job.backend)

    def rate(name: str) -> float:
        with clip.get_frame(0) as frame:
            upscaled = _upscale_colours(endless_clip(clip), frame.props, replace(job, network=name))
        return frame_rate(upscaled)

    def remembered_rate(name: str) -> float:
        if callable(job.chroma):  # nothing tells one function from another
            return rate(name)
        under = conditions(clip, plans[name], job.backend, chroma=job.chroma, tile=job.tile)
        return remembered(under, lambda: rate(name))

    return choose_network(plans, wish, remembered_rate)


def _upscale_colours(clip: vs.VideoNode, props: vs.FrameProps, job: UpscaleOptions) -> vs.VideoNode:
    check_progressive(props)
    depth = sample_format(clip.format).depth
    plan = steps_to(clip, job.network, job.scale, job.width, job.height)
    check_fits(clip.format, clip.width * plan.scale, clip.height * plan.scale)
    if clip.format.color_family == vs.RGB:
        upscaled = _upscale_rgb(clip, props, plan, job, depth)
    else:
        upscaled = _upscale_planes(clip, props, plan, job, depth)
    if plan.stretch == 1:
        return upscaled
    aspect = sample_aspect(props) * plan.stretch
    return vs.core.std.SetFrameProps(upscaled, _SARNum=aspect.numerator, _SARDen=aspect.denominator)


def _upscale_rgb(
    clip: vs.VideoNode, props: vs.FrameProps, plan: UpscaleSteps, job: UpscaleOptions, depth: int | None
) -> vs.VideoNode:
    def of_range(full_range: bool) -> vs.VideoNode:
        yuv = rgb.to_yuv(clip, job.matrix, full_range=full_range)
        upscaled = _upscale_planes(yuv, props, plan, job, depth)
        return rgb.from_yuv(upscaled, clip, job.matrix, full_range=full_range)

    def is_full(props: Mapping[str, Any]) -> bool:
        return is_full_range(props, default=True) if job.range_ is None else job.range_ == "full"

    return by_range(clip, of_range, is_full, props)


def _upscale_planes(
    clip: vs.VideoNode, props: vs.FrameProps, plan: UpscaleSteps, job: UpscaleOptions, depth: int | None
) -> vs.VideoNode:
    """Upscale GRAY or YUV; `depth` is that whose accuracy counts."""
    luma = _upscale_plane(clip, props, plan, job, depth)
    if clip.format.color_family == vs.GRAY:
        return luma
    planes = scale_chroma(
        clip, plan.width, plan.height, resizer=find_resizer(job.chroma), location=chroma_location(props)
    )
    return vs.core.std.ShufflePlanes([luma, *planes], [0, 0, 0], vs.YUV)


def _with_alpha(
    upscaled: vs.VideoNode, clip: vs.VideoNode, props: vs.FrameProps, job: UpscaleOptions
) -> vs.VideoNode:
    """The alpha plane, which VapourSynth keeps as a property of each frame, at the size of the rest."""
    alpha = alpha_clip(clip, props["_Alpha"])
    plan = steps_to(alpha, job.network, 1, upscaled.width, upscaled.height)
    depth = sample_format(alpha.format).depth
    plane = _upscale_plane(alpha, props, plan, replace(job, range_="full"), depth)
    return vs.core.std.ClipToProp(upscaled, plane, "_Alpha")


def _upscale_plane(
    clip: vs.VideoNode, props: vs.FrameProps, plan: UpscaleSteps, job: UpscaleOptions, depth: int | None
) -> vs.VideoNode:
    """The first plane of a clip through the plan's networks and to its size, with the clip's properties."""
    upscaled = clip
    for step in plan.steps:
        upscaled = LumaUpscaler(
            step, upscaled, job.backend, depth=depth, range_=job.range_, tile=job.tile
        ).upscale(props)
    if (upscaled.width, upscaled.height) == (plan.width, plan.height):
        return upscaled
    resized = vs.core.resize.Spline36(split_plane(upscaled, 0), width=plan.width, height=plan.height)
    return vs.core.std.CopyFrameProps(resized, upscaled)
