"""The filter: luma through a network, chroma through a resizer."""

import logging
from functools import partial
from pathlib import Path

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.auto_network import Criteria, NetworkChoice, choose_network, runnable
from vs_espcn.filter.chroma import ChromaKernel
from vs_espcn.filter.clip_upscaler import ClipUpscaler
from vs_espcn.filter.frame_properties import Range, check_progressive
from vs_espcn.filter.frame_selection import by_frame
from vs_espcn.filter.memory import keep_heap_flat
from vs_espcn.filter.options import Tile, UpscaleOptions
from vs_espcn.filter.run_summary import run_summary
from vs_espcn.filter.target_size import shipped_steps
from vs_espcn.filter.throughput import conditions, endless_clip, frame_rate, remembered
from vs_espcn.filter.variable_format import is_varying, upscale_varying
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.networks.names import NetworkName
from vs_espcn.networks.quality import SourceKind
from vs_espcn.networks.registry import AUTO
from vs_espcn.runtime.backends import Backend

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
            single float; progressive. Format, size, chroma siting, sample
            aspect and alpha may vary from frame to frame.
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
    """Return the network that `upscale` takes for ``network="auto"``, and the reason.

    Args:
        clip: Of constant format and size.
        options: Those of `upscale`.

    Raises:
        EspcnError: As the causes of the errors of `upscale`.
    """
    criteria = options.criteria or Criteria()
    candidates = runnable(shipped_steps(clip, options.scale, options.width, options.height), options.runs_on)

    def rate(name: str) -> float:
        endless = vs.core.std.RemoveFrameProps(endless_clip(clip), "_Alpha")
        props = endless.get_frame(0).props
        return frame_rate(_upscale_constant(endless, props, options.with_network(name)))

    def remembered_rate(name: str) -> float:
        if callable(options.chroma):  # nothing tells one function from another
            return rate(name)
        under = conditions(clip, candidates[name], options.runs_on, chroma=options.chroma, tile=options.tile)
        return remembered(under, lambda: rate(name))

    return choose_network(candidates, criteria, remembered_rate)


def _upscale_constant(clip: vs.VideoNode, props: vs.FrameProps, options: UpscaleOptions) -> vs.VideoNode:
    """Upscale a clip of constant format and size; opens the engines for its first frame."""
    choice = None
    if options.criteria:
        choice = chosen_network(clip, options)
        options = options.with_network(choice.network)
    check_progressive(props)
    upscaler = ClipUpscaler(clip, props, options)
    upscaled = by_frame(clip, upscaler.of_kind, upscaler.kind_of, props)
    level = logging.INFO if choice is None or choice.reaches_fps else logging.WARNING
    _log.log(level, "%s", run_summary(clip, options, choice))
    return upscaled
