"""The filter: a clip's luma through a network, its chroma resized, joined again."""

import logging

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn import graph, models
from vs_espcn.errors import EspcnError, InputError, RuntimeMissingError
from vs_espcn.runtime.base import Backend, OpenVINO, open_engine
from vs_espcn.video import mlrt
from vs_espcn.video.chroma import check_kernel, chroma_location, upscale_chroma
from vs_espcn.video.lanes import upscale_in_lanes
from vs_espcn.video.memory import keep_heap_flat
from vs_espcn.video.planes import is_full_range, sample_format

_log = logging.getLogger(__name__)


def upscale(
    clip: vs.VideoNode,
    scale: int = 2,
    *,
    network: str = "espcn",
    backend: Backend | None = None,
    chroma: str = "spline36",
) -> vs.VideoNode:
    """Upscale a clip: luma through a super-resolution network, chroma by a resizer.

    Args:
        clip: 8-bit GRAY, or YUV 4:2:0, 4:2:2 or 4:4:4, progressive, of
            constant format and size. Range and chroma siting are those of its
            first frame.
        scale: Integer scale of width and height; `network` must have it.
        network: Name of a shipped network.
        backend: Where the network runs; None picks the best that is present
            and logs which.
        chroma: The resizer's kernel for the chroma planes, for example
            ``"bicubic"`` or ``"spline36"``.

    Returns:
        A clip of `scale` times the width and height and the same format,
        length, frame rate and frame properties.

    Raises:
        vs.Error: An argument or the clip cannot be used, or no backend runs
            here; raised at once rather than when frames are asked for. The
            text begins with ``vs_espcn:``.
    """
    try:
        return _upscale(clip, scale, network, backend or OpenVINO(), chroma)
    except EspcnError as error:
        raise vs.Error(f"vs_espcn: {error}") from error


def _upscale(clip: vs.VideoNode, scale: int, network: str, backend: Backend, chroma: str) -> vs.VideoNode:
    keep_heap_flat()
    check_kernel(chroma)
    spec = models.find(network, scale)
    props = _check_clip(clip)
    luma = _upscale_luma(clip, spec, is_full_range(props), backend)
    if clip.format.color_family == vs.GRAY:
        return luma
    planes = upscale_chroma(clip, spec.scale, kernel=chroma, location=chroma_location(props))
    return vs.core.std.ShufflePlanes([luma, *planes], [0, 0, 0], vs.YUV)


def _check_clip(clip: vs.VideoNode) -> vs.FrameProps:
    """Refuse what cannot be upscaled; return the properties of the first frame."""
    if not isinstance(clip, vs.VideoNode):
        raise InputError(f"clip is a {type(clip).__name__}; give a VapourSynth video clip")
    if clip.format.id == vs.NONE or not clip.width:
        raise InputError(
            "the clip's format or size varies; make it constant first, for example with resize.Bicubic"
        )
    sample_format(clip.format)
    props = clip.get_frame(0).props
    if props.get("_FieldBased", vs.FIELD_PROGRESSIVE) != vs.FIELD_PROGRESSIVE:
        raise InputError(
            "the clip is interlaced (_FieldBased is "
            f"{int(props['_FieldBased'])}); deinterlace it first, for example with bwdif, or, if it is "
            "in truth progressive, clear the flag with std.SetFieldBased(0)"
        )
    return props


def _upscale_luma(
    clip: vs.VideoNode, spec: models.ModelSpec, full_range: bool, backend: Backend
) -> vs.VideoNode:
    weights = graph.load_network(spec.path)

    def build(sample: graph.SampleFormat) -> ModelProto:
        return graph.build_graph(weights, sample, full_range=full_range, width=clip.width, height=clip.height)

    try:
        engine = open_engine(
            backend, build(sample_format(clip.format)), max_lanes=min(vs.core.num_threads, clip.num_frames)
        )
    except RuntimeMissingError:
        if not mlrt.is_present():
            raise
        _log.info("using OpenVINO through the vs-mlrt plugin, which has loaded its own copy of it")
        luma = vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)
        return mlrt.upscale_with_plugin(luma, build(graph.GRAY8_IN_FLOAT), backend)
    _log.info("using %s", engine.description)
    return upscale_in_lanes(clip, spec.scale, engine.slots)
