"""The same graph through vs-mlrt's OpenVINO plugin, where openvino itself cannot be imported.

The plugin carries its own copy of OpenVINO. Once VapourSynth has loaded it
(as vspipe does at start), a second copy cannot come into the process.
"""

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.errors import BackendError
from vs_espcn.runtime.base import OpenVINO, lane_count

_PRECISION_HINTS = {"fp32": {"INFERENCE_PRECISION_HINT": "f32"}, "bf16": {"INFERENCE_PRECISION_HINT": "bf16"}}


def is_present() -> bool:
    """Whether the plugin is loaded."""
    return hasattr(vs.core, "ov")


def upscale_with_plugin(luma: vs.VideoNode, graph: ModelProto, backend: OpenVINO) -> vs.VideoNode:
    """Upscale a GRAY clip through ``core.ov.Model``.

    Args:
        luma: GRAY clip of constant format and size.
        graph: A model from `vs_espcn.graph.build_graph` whose samples are
            codes in float32, the only type that the plugin takes.
        backend: Device, precision (``"auto"`` leaves it to OpenVINO: bf16
            where the hardware has it) and lanes.

    Returns:
        A GRAY clip of the same sample format.

    Raises:
        BackendError: The plugin cannot run the graph.
    """
    codes = vs.core.std.Expr(luma, "x", format=vs.GRAYS)
    return vs.core.std.Expr(model(codes, graph, backend), "x", format=luma.format.id)


def model(clip: vs.VideoNode, graph: ModelProto, backend: OpenVINO) -> vs.VideoNode:
    """Run ``core.ov.Model``.

    Args:
        clip: GRAYS, as the graph takes it.
        graph: Any model with one float32 input and output (1, 1, H, W).
        backend: As for `upscale_with_plugin`.

    Raises:
        BackendError: The plugin cannot run the graph.
    """
    hints = _PRECISION_HINTS.get(backend.precision, {})
    try:
        return vs.core.ov.Model(
            clip,
            graph.SerializeToString(),
            path_is_serialization=True,
            device=backend.device,
            num_streams=lane_count(backend, vs.core.num_threads),
            config=lambda: hints,
        )
    except vs.Error as error:
        raise BackendError(f"core.ov.Model cannot run the network on {backend.device}: {error}") from error
