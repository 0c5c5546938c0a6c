"""From a graph to a TensorRT plan. Needs no GPU where the library can build without one."""

from collections.abc import Callable
from typing import Any

from onnx import ModelProto, TensorProto, numpy_helper

from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks.graph import FRAME_NAME, largest_size, up_to_size
from vs_espcn.networks.registry import is_int8, network_metadata
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.cuda_slot import plane_types, typed_graph
from vs_espcn.runtime.tensorrt.api import TensorRTApi
from vs_espcn.runtime.tensorrt.plan_cache import PlanKey, graph_digest

OnProgress = Callable[[str, float], None]
"""Called with the name of a build's phase and how much of it is done, 0 … 1."""

_OPTIONS = "strongly typed, no TF32, detailed"
_USER_ALLOCATION = ", user allocation"


def source_graph(backend: TensorRT, graph: ModelProto) -> ModelProto:
    """What a plan is built from.

    Args:
        backend: Precision, resolved, and the largest size of a plan for many.
        graph: A model from `vs_espcn.networks.graph.build_graph`.

    Returns:
        The graph in the types that it runs in; for any size, if `backend` has a `max_size`.

    Raises:
        InputError: The graph's planes are larger than `max_size`.
    """
    typed = typed_graph(graph, backend.arithmetic)
    if backend.max_size is None:
        return typed
    source, _ = plane_types(graph)
    width, height = backend.max_size
    if source.width > width or source.height > height:
        raise InputError(
            f"a plane of {source.width}x{source.height} is larger than max_size={width}x{height}; give a "
            "larger one, or None for a plan of each size, or smaller tiles"
        )
    return up_to_size(typed, width, height)


def plan_key(
    api: TensorRTApi, graph: ModelProto, capability: str, device: str, *, for_others: bool = False
) -> PlanKey:
    """What identifies a plan.

    Args:
        api: The library that builds it.
        graph: What `source_graph` returned.
        capability: Compute capability of the GPU.
        device: Name of the GPU. Counts only where the library tunes a plan
            on the GPU itself rather than for all of one capability.
        for_others: As for `build_plan`.
    """
    device = device if api.targets is None else ""
    return PlanKey(
        graph=graph_digest(graph),
        title=(
            f"{_sizes(graph)}, {_description(graph)}, "
            f"on {device or 'GPUs'} of compute capability {capability}"
        ),
        flavour=api.flavour,
        version=api.version,
        capability=capability,
        device=device,
        options=_OPTIONS + _USER_ALLOCATION * (not for_others),
    )


def _sizes(graph: ModelProto) -> str:
    """Sizes of source and result of a graph."""
    if (largest := largest_size(graph)) is not None:
        return f"sizes up to {largest[0]}x{largest[1]}, x{network_metadata(graph)['scale']}"
    source, target = plane_types(graph)
    return f"{source.width}x{source.height} to {target.width}x{target.height}"


def _description(graph: ModelProto) -> str:
    """Samples, range and precision of a graph, read from its constants."""
    constants = {constant.name: constant for constant in graph.graph.initializer}
    samples = "float"
    if "video.peak" in constants:
        samples = f"{int(numpy_helper.to_array(constants['video.peak'])).bit_length()}-bit"
    span = "full range" if "video.offset" in constants else "limited range"
    half = any(constant.data_type == TensorProto.FLOAT16 for constant in constants.values())
    precision = "int8" if is_int8(graph) else "fp16" if half else "fp32"
    return f"{samples} {span}, {precision}"


def build_plan(
    api: TensorRTApi,
    graph: ModelProto,
    capability: str,
    on_progress: OnProgress | None = None,
    *,
    for_others: bool = False,
) -> bytes:
    """Build a plan.

    Args:
        api: The library.
        graph: What `source_graph` returned.
        capability: Compute capability of the GPU to build for; a library
            that builds only for the GPU present does so.
        on_progress: Told how far the build is.
        for_others: Whether the plan is for programs whose contexts allocate
            their memory themselves.

    Raises:
        BackendError: The library does not accept the graph or the GPU.
    """
    trt = api.module
    builder = trt.Builder(api.messages.logger)
    network = builder.create_network(api.network_flags)
    parser = trt.OnnxParser(network, api.messages.logger)
    if not parser.parse(graph.SerializeToString()):
        reasons = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise BackendError(f"{api.flavour} {api.version} cannot read the network: {reasons}")
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.clear_flag(trt.BuilderFlag.TF32)  # has the 11 bits of fp16; fp32 is asked for because it has more
    api.set_target(config, capability)
    if not for_others:
        api.require_user_allocation(config)
    if (largest := largest_size(graph)) is not None:
        config.add_optimization_profile(_profile(builder, graph, *largest))
    if on_progress is not None:
        config.progress_monitor = _monitor(trt, on_progress)
    return bytes(api.checked("cannot build the network", builder.build_serialized_network, network, config))


def _profile(builder: Any, graph: ModelProto, width: int, height: int) -> Any:  # noqa: ANN401 - TensorRT has no types
    """Any size up to the largest, for which it is made best: that is where time counts."""
    pair = tuple(dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim[4:])
    least, most = (1, 1, 1, 1, *pair), (1, 1, height, width, *pair)
    profile = builder.create_optimization_profile()
    profile.set_shape(FRAME_NAME, least, most, most)
    return profile


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
