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
from vs_espcn.filter.alpha import alpha_clip
from vs_espcn.filter.auto_network import Criteria, NetworkChoice, choose_network, runnable
from vs_espcn.filter.chroma import ChromaKernel, chroma_location, find_resizer, scale_chroma
from vs_espcn.filter.frame_properties import Range, check_progressive, is_full_range, sample_aspect
from vs_espcn.filter.luma import LumaUpscaler
from vs_espcn.filter.memory import check_fits, keep_heap_flat
from vs_espcn.filter.options import Tile, UpscaleOptions
from vs_espcn.filter.range_selection import by_range
from vs_espcn.filter.run_summary import run_summary
from vs_espcn.filter.sample_formats import sample_format, split_plane
from vs_espcn.filter.target_size import UpscaleSteps, shipped_steps, steps_to
from vs_espcn.filter.throughput import conditions, endless_clip, frame_rate, remembered
from vs_espcn.filter.variable_format import is_varying, upscale_varying
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.networks.names import NetworkName
from vs_espcn.networks.quality import SourceKind
from vs_espcn.networks.registry import AUTO
from vs_espcn.runtime.backends import Backend
from vs_espcn.runtime.precision import ResolvedNetwork, resolve

_log = logging.getLogger(__name__)


def upscale(
    clip: vs.VideoNode,
    scale: float = UpscaleOptions.scale,
    *,
    width: int | None = None,
    height: int | None = None,
    network: NetworkName | Path = AUTO,
    source: SourceKind | None = None,
    fps: float | None = None,
    backend: Backend | None = None,
    chroma: ChromaKernel = UpscaleOptions.chroma,
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
        network: ``"auto"`` chooses the best for `source`, and logs which and
            why; or the name of a shipped network, or the path of an ONNX file.
        source: For ``network="auto"``: ``"clean"``, ``"video"`` (compressed;
            also if it is None, as a clip doesn't say what it was) or
            ``"anime"`` (compressed cartoons).
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
            It is a `vs_espcn.EspcnError`, too.
    """
    with as_vs_error():
        options = UpscaleOptions(
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
    return upscale_with(clip, options)


def upscale_with(clip: vs.VideoNode, options: UpscaleOptions) -> vs.VideoNode:
    """Upscale a clip as `upscale` does.

    Raises:
        vs.Error: As from `upscale`.
    """
    with as_vs_error():
        keep_heap_flat()
        if not isinstance(clip, vs.VideoNode):
            raise InputError(f"clip is a {type(clip).__name__}; give a VapourSynth video clip")
        if not is_varying(clip):
            return _upscale_constant(clip, clip.get_frame(0).props, options)
        if options.fps:
            raise InputError(
                "fps is given, and the clip's format or size varies; leave it out, or name a network"
            )
        return upscale_varying(clip, partial(_upscale_constant, options=options))


def chosen_network(clip: vs.VideoNode, options: UpscaleOptions) -> NetworkChoice:
    """Return the network that `upscale` takes for ``network="auto"``, and why.

    Args:
        clip: Of constant format and size.
        options: Those of `upscale`.

    Raises:
        EspcnError: As the causes of the errors of `upscale`.
    """
    criteria = options.criteria or Criteria()
    candidates = runnable(shipped_steps(clip, options.scale, options.width, options.height), options.runs_on)

    def rate(name: str) -> float:
        with clip.get_frame(0) as frame:
            upscaled = _upscale_colours(endless_clip(clip), frame.props, options.with_network(name))
        return frame_rate(upscaled)

    def remembered_rate(name: str) -> float:
        if callable(options.chroma):  # nothing tells one function from another
            return rate(name)
        under = conditions(clip, candidates[name], options.runs_on, chroma=options.chroma, tile=options.tile)
        return remembered(under, lambda: rate(name))

    return choose_network(candidates, criteria, remembered_rate)


@dataclass(frozen=True, kw_only=True)
class _ResolvedUpscale:
    """How a clip of one format and size is upscaled.

    Attributes:
        options: What was asked for; its network is named.
        steps: The networks' scales and the size that they reach.
        networks: The network of each step, with its backend in the precision
            that the clip's depth asks for.
    """

    options: UpscaleOptions
    steps: UpscaleSteps
    networks: tuple[ResolvedNetwork, ...]


def _resolved(options: UpscaleOptions, steps: UpscaleSteps, depth: int | None) -> _ResolvedUpscale:
    networks = tuple(resolve(step, options.runs_on, depth) for step in steps.steps)
    return _ResolvedUpscale(options=options, steps=steps, networks=networks)


def _upscale_constant(clip: vs.VideoNode, props: vs.FrameProps, options: UpscaleOptions) -> vs.VideoNode:
    """Upscale a clip of constant format and size, going by the properties of one of its frames."""
    choice = None
    if options.criteria:
        choice = chosen_network(clip, options)
        options = options.with_network(choice.network)
    upscaled = _upscale_colours(clip, props, options)
    level = logging.INFO if choice is None or choice.reaches_fps else logging.WARNING
    _log.log(level, "%s", run_summary(clip, options, choice))
    return _with_alpha(upscaled, clip, props, options) if "_Alpha" in props else upscaled


def _upscale_colours(clip: vs.VideoNode, props: vs.FrameProps, options: UpscaleOptions) -> vs.VideoNode:
    check_progressive(props)
    depth = sample_format(clip.format).depth
    steps = steps_to(clip, str(options.network), options.scale, options.width, options.height)
    check_fits(clip.format, clip.width * steps.scale, clip.height * steps.scale)
    resolved = _resolved(options, steps, depth)
    if clip.format.color_family == vs.RGB:
        upscaled = _upscale_rgb(clip, props, resolved)
    else:
        upscaled = _upscale_planes(clip, props, resolved)
    if steps.stretch == 1:
        return upscaled
    aspect = sample_aspect(props) * steps.stretch
    return vs.core.std.SetFrameProps(upscaled, _SARNum=aspect.numerator, _SARDen=aspect.denominator)


def _upscale_rgb(clip: vs.VideoNode, props: vs.FrameProps, resolved: _ResolvedUpscale) -> vs.VideoNode:
    options = resolved.options

    def of_range(full_range: bool) -> vs.VideoNode:
        yuv = rgb.to_yuv(clip, options.matrix, full_range=full_range)
        upscaled = _upscale_planes(yuv, props, resolved)
        return rgb.from_yuv(upscaled, clip, options.matrix, full_range=full_range)

    def is_full(props: Mapping[str, Any]) -> bool:
        return is_full_range(props, default=True) if options.range is None else options.range == "full"

    return by_range(clip, of_range, is_full, props)


def _upscale_planes(clip: vs.VideoNode, props: vs.FrameProps, resolved: _ResolvedUpscale) -> vs.VideoNode:
    """Upscale GRAY or YUV."""
    luma = _upscale_plane(clip, props, resolved)
    if clip.format.color_family == vs.GRAY:
        return luma
    steps = resolved.steps
    planes = scale_chroma(
        clip,
        steps.width,
        steps.height,
        resizer=find_resizer(resolved.options.chroma),
        location=chroma_location(props),
    )
    return vs.core.std.ShufflePlanes([luma, *planes], [0, 0, 0], vs.YUV)


def _with_alpha(
    upscaled: vs.VideoNode, clip: vs.VideoNode, props: vs.FrameProps, options: UpscaleOptions
) -> vs.VideoNode:
    """Upscale the alpha plane, which VapourSynth keeps as a property of each frame, and attach it."""
    alpha = alpha_clip(clip, props["_Alpha"])
    steps = steps_to(alpha, str(options.network), 1, upscaled.width, upscaled.height)
    resolved = _resolved(replace(options, range="full"), steps, sample_format(alpha.format).depth)
    return vs.core.std.ClipToProp(upscaled, _upscale_plane(alpha, props, resolved), "_Alpha")


def _upscale_plane(clip: vs.VideoNode, props: vs.FrameProps, resolved: _ResolvedUpscale) -> vs.VideoNode:
    """Upscale the first plane of a clip through all networks and to its size, with the clip's properties."""
    options, steps = resolved.options, resolved.steps
    upscaled = clip
    for network in resolved.networks:
        luma = LumaUpscaler(network, upscaled, range_=options.range, tile=options.tile)
        upscaled = luma.upscale(props)
    if (upscaled.width, upscaled.height) == (steps.width, steps.height):
        return upscaled
    resized = vs.core.resize.Spline36(split_plane(upscaled, 0), width=steps.width, height=steps.height)
    return vs.core.std.CopyFrameProps(resized, upscaled)
