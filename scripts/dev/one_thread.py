"""Run OpenVINO on one thread, for scripts that measure single networks."""

import openvino as ov
from onnx import ModelProto


def compiled(graph: ModelProto, hint: str, **options: str) -> ov.InferRequest:
    """Compile a graph for one thread, and return a request for it.

    Args:
        graph: A model from `vs_espcn.networks.graph.build_graph`.
        hint: Precision of float operations, ``f32`` or ``bf16``.
        **options: Further properties of OpenVINO.
    """
    one = {"INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1"}
    core = ov.Core()
    return core.compile_model(
        core.read_model(graph.SerializeToString()), "CPU", one | options
    ).create_infer_request()
