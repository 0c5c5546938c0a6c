"""Other upscalers for the same clip, each used as its users do. All but zimg are optional."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.bench.interleaving import Contestant, ContestantKey, Runner, to_null
from vs_espcn.errors import BackendError, extra_hint
from vs_espcn.filter import vsmlrt
from vs_espcn.filter.chroma import find_resizer, scale_chroma
from vs_espcn.networks.registry import INT8_SUFFIX, find, load_network
from vs_espcn.runtime.backends import OpenVINO

OV_LUMA = "core.ov.Model, luma only"
OV_CLIP = "core.ov.Model, whole clip"
ORT_CLIP = "core.ort.Model, whole clip"
OPENCV = "OpenCV dnn, whole clip"
BICUBIC = "zimg bicubic, whole clip"

_Made = Iterator[tuple[str, Runner]]
"""Precision and runner of each variant of a peer."""


class Missing(Exception):  # noqa: N818 - it is news, not an error
    """A peer is not installed; the message says how to install it."""


def peers(clip: vs.VideoNode, network: str, scale: int) -> tuple[list[Contestant], list[str]]:
    """Return the installed peers, and a line for each that is missing.

    Args:
        clip: 8-bit YUV 4:2:0 whose frames take no time to make.
        network: Name of the shipped network to run; the peers run the float form of an int8 one.
        scale: Its scale.
    """
    network = network.removesuffix(INT8_SUFFIX)
    model = load_network(find(network, scale).path)
    makers: dict[str, Callable[[], _Made]] = {
        OV_LUMA: partial(_plugin, "ov", clip, model, whole=False),
        OV_CLIP: partial(_plugin, "ov", clip, model, whole=True),
        ORT_CLIP: partial(_plugin, "ort", clip, model, whole=True),
        OPENCV: partial(_opencv, clip, model, scale),
        BICUBIC: partial(_bicubic, clip, scale),
    }
    present, missing = [], []
    for name, make in makers.items():
        try:
            present += [
                Contestant(ContestantKey(name, network if precision else "", precision), run)
                for precision, run in make()
            ]
        except Missing as reason:
            missing.append(f"{name}: {reason}")
    return present, missing


def _plugin(name: str, clip: vs.VideoNode, network: ModelProto, *, whole: bool) -> _Made:
    """Make the vs-mlrt contestant: float luma in and out, chroma resized separately."""
    if not hasattr(vs.core, name):
        raise Missing(f"VapourSynth has no plugin {name!r}; install vapoursynth-mlrt-{name}")
    luma = vs.core.resize.Point(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), format=vs.GRAYS)
    for precision, upscale in _PLUGINS[name].items():
        try:
            upscaled = upscale(luma, network)
        except (BackendError, vs.Error):
            continue  # this processor hasn't that arithmetic
        yield precision, to_null(with_chroma(upscaled, clip) if whole else upscaled)


def _ort(luma: vs.VideoNode, network: ModelProto) -> vs.VideoNode:
    return vs.core.ort.Model(
        luma, network.SerializeToString(), path_is_serialization=True, num_streams=vs.core.num_threads
    )


_PLUGINS: dict[str, dict[str, Callable[[vs.VideoNode, ModelProto], vs.VideoNode]]] = {
    "ov": {
        "fp32": partial(vsmlrt.model, backend=OpenVINO(precision="fp32")),
        "bf16": partial(vsmlrt.model, backend=OpenVINO(precision="bf16")),
    },
    "ort": {"fp32": _ort},
}


def with_chroma(luma: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    """Join upscaled 8-bit luma with the clip's resized chroma, as the filter does."""
    codes = vs.core.resize.Point(luma, format=vs.GRAY8)
    planes = scale_chroma(
        clip, codes.width, codes.height, resizer=find_resizer("spline36"), location=vs.CHROMA_LEFT
    )
    return vs.core.std.ShufflePlanes([codes, *planes], [0, 0, 0], vs.YUV)


def _opencv(clip: vs.VideoNode, network: ModelProto, scale: int) -> _Made:
    """Do the steps of ``cv2.dnn_superres``, which itself reads TensorFlow files only."""
    if find_spec("cv2") is None:
        raise Missing(f"the module cv2 is not installed; {extra_hint('bench')}")
    import cv2  # noqa: PLC0415 - optional

    net = cv2.dnn.readNetFromONNX(np.frombuffer(network.SerializeToString(), np.uint8))
    with clip.get_frame(0) as frame:
        luma, *chroma = [np.array(plane) for plane in frame]

    def run(frames: int) -> None:
        for _ in range(frames):
            net.setInput(luma[None, None].astype(np.float32) / 255)
            cv2.convertScaleAbs(net.forward()[0, 0], alpha=255)
            for plane in chroma:
                cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)

    yield "fp32", run


def _bicubic(clip: vs.VideoNode, scale: int) -> _Made:
    yield "", to_null(vs.core.resize.Bicubic(clip, clip.width * scale, clip.height * scale))
