"""OpenVINO on one thread, for the scripts that measure networks by themselves."""

import openvino as ov
from onnx import ModelProto


def compiled(graph: ModelProto, hint: str, **options: str) -> ov.InferRequest:
    """A request for a graph.

    Args:
        graph: From `vs_espcn.networks.graph.build_graph`.
        hint: Arithmetic of what is in floats, ``f32`` or ``bf16``.
        **options: More of OpenVINO's properties.
    """
    one = {"INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1"}
    core = ov.Core()
    return core.compile_model(
        core.read_model(graph.SerializeToString()), "CPU", one | options
    ).create_infer_request()
