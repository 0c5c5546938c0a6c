"""From a graph to a TensorRT plan. Needs no GPU where the library can build without one."""

from collections.abc import Callable
from typing import Any

from onnx import ModelProto, TensorProto, numpy_helper

from vs_espcn.errors import BackendError
from vs_espcn.runtime.plans import PlanKey, graph_digest
from vs_espcn.runtime.tensorrt_api import TensorRTApi

OnProgress = Callable[[str, float], None]
"""Called with the name of a build's phase and how much of it is done, 0 … 1."""

_OPTIONS = "strongly typed, no TF32, detailed"


def plan_key(api: TensorRTApi, graph: ModelProto, capability: str, device: str) -> PlanKey:
    """What identifies a plan.

    Args:
        api: The library that builds it.
        graph: What `vs_espcn.runtime.slot.typed_graph` returned.
        capability: Compute capability of the GPU.
        device: Name of the GPU. Counts only where the library tunes a plan
            on the GPU itself rather than for all of one capability.
    """
    device = device if api.targets is None else ""
    shapes = [
        "x".join(str(dim.dim_value) for dim in reversed(value.type.tensor_type.shape.dim[2:4]))
        for value in (graph.graph.input[0], graph.graph.output[0])
    ]
    return PlanKey(
        graph=graph_digest(graph),
        title=(
            f"{shapes[0]} to {shapes[1]}, {_description(graph)}, "
            f"on {device or 'GPUs'} of compute capability {capability}"
        ),
        flavour=api.flavour,
        version=api.version,
        capability=capability,
        device=device,
        options=_OPTIONS,
    )


def _description(graph: ModelProto) -> str:
    """Samples, range and precision of a graph, read from its constants."""
    constants = {constant.name: constant for constant in graph.graph.initializer}
    samples = "float"
    if "video.peak" in constants:
        samples = f"{int(numpy_helper.to_array(constants['video.peak'])).bit_length()}-bit"
    span = "full range" if "video.offset" in constants else "limited range"
    half = any(constant.data_type == TensorProto.FLOAT16 for constant in constants.values())
    return f"{samples} {span}, {'fp16' if half else 'fp32'}"


def build_plan(
    api: TensorRTApi, graph: ModelProto, capability: str, on_progress: OnProgress | None = None
) -> bytes:
    """Build a plan.

    Args:
        api: The library.
        graph: What `vs_espcn.runtime.slot.typed_graph` returned.
        capability: Compute capability of the GPU to build for; a library
            that builds only for the GPU present does so.
        on_progress: Told how far the build is.

    Raises:
        BackendError: The library does not accept the graph or the GPU.
    """
    trt = api.module
    builder = trt.Builder(api.logger)
    network = builder.create_network(api.network_flags)
    parser = trt.OnnxParser(network, api.logger)
    if not parser.parse(graph.SerializeToString()):
        reasons = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise BackendError(f"{api.flavour} {api.version} cannot read the network: {reasons}")
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.clear_flag(trt.BuilderFlag.TF32)  # has the 11 bits of fp16; fp32 is asked for because it has more
    api.set_target(config, capability)
    if on_progress is not None:
        config.progress_monitor = _monitor(trt, on_progress)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise api.failure("cannot build the network")
    return bytes(plan)


def _monitor(trt: Any, on_progress: OnProgress) -> Any:  # noqa: ANN401 - TensorRT has no types
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """The builder's phases, one inside another; steps are counted per phase."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:  # noqa: ARG002 - TensorRT's names
            self._steps[phase_name] = num_steps
            on_progress(phase_name, 0.0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            on_progress(phase_name, (step + 1) / max(1, self._steps[phase_name]))
            return True

        def phase_finish(self, phase_name: str) -> None:
            del self._steps[phase_name]
            on_progress(phase_name, 1.0)

    return Monitor()
