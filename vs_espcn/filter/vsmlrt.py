"""Running a graph by vs-mlrt's OpenVINO plugin, where openvino itself cannot be imported.

The plugin carries its own copy of OpenVINO. Once VapourSynth has loaded it
(as vspipe does at start), a second copy cannot come into the process.
"""

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.errors import BackendError
from vs_espcn.runtime.backends import OpenVINO, lane_count
from vs_espcn.runtime.openvino_errors import openvino_reason

_PRECISION_HINTS = {
    "fp32": {"INFERENCE_PRECISION_HINT": "f32"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    "int8": {"INFERENCE_PRECISION_HINT": "f32"},  # for what is left of floats
}
"""By resolved precision; ``"auto"`` leaves bf16 to OpenVINO's choice."""


def is_present() -> bool:
    """True if the plugin is loaded."""
    return hasattr(vs.core, "ov")


def upscale_with_plugin(
    luma: vs.VideoNode, graph: ModelProto, backend: OpenVINO, *, tile: tuple[int, int], overlap: int
) -> vs.VideoNode:
    """Upscale a GRAY clip through ``core.ov.Model``.

    Args:
        luma: GRAY clip of constant format and size.
        graph: A model from `vs_espcn.networks.graph.build_graph` for planes of size
            `tile`, whose samples travel in float32, the only type that the
            plugin takes.
        backend: Device, lanes, and precision, resolved by
            `vs_espcn.runtime.precision.resolved_backend`.
        tile: Width and height of a tile; the clip's own for no tiles.
        overlap: How far tiles overlap on each side.

    Returns:
        A GRAY clip of the same sample format.

    Raises:
        BackendError: The plugin cannot run the graph.
    """
    samples = vs.core.std.Expr(luma, "x", format=vs.GRAYS)
    # The plugin's overlap is the width that two neighbours share: twice ours.
    tiling = {} if tile == (luma.width, luma.height) else {"tilesize": [*tile], "overlap": [2 * overlap] * 2}
    upscaled = model(samples, graph, backend, **tiling)
    return vs.core.std.Expr(upscaled, "x", format=luma.format.id)


def model(clip: vs.VideoNode, graph: ModelProto, backend: OpenVINO, **tiling: list[int]) -> vs.VideoNode:
    """Run ``core.ov.Model``.

    Args:
        clip: GRAYS, as the graph takes it.
        graph: Any model with one float32 input and output (1, 1, H, W).
        backend: Device, precision and lanes.
        tiling: The plugin's ``tilesize`` and ``overlap``.

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
            **tiling,
        )
    except vs.Error as error:
        reason = openvino_reason(error)
        raise BackendError(f"core.ov.Model cannot run the network on {backend.device}: {reason}") from error
