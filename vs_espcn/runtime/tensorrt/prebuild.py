"""Plans built ahead of time, also for GPUs that are not here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from onnx import ModelProto

from vs_espcn.errors import InputError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import Flavour, TensorRT, TensorRTPrecision
from vs_espcn.runtime.precision import resolve
from vs_espcn.runtime.tensorrt.api import TensorRTApi, api_for, check_capability, load_api, open_gpu
from vs_espcn.runtime.tensorrt.build import OnProgress, build_plan, plan_key, source_graph
from vs_espcn.runtime.tensorrt.plan_cache import StoredPlan, load_or_build, stored_plan
from vs_espcn.runtime.tiles import tile_for


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """Which plans to build.

    Attributes:
        width: Width of the clip.
        height: Height of the clip.
        scale: A scale of the network.
        network: Name of a shipped network, or path of an ONNX file.
        bits: A key of `vs_espcn.networks.graph.SAMPLES`.
        precision: As of `TensorRT`.
        flavour: As of `TensorRT`.
        capabilities: Compute capabilities to build for, for example
            ``("8.9",)``; empty for the first GPU that is present.
        any_size: Whether the plan is for clips of any size up to this one,
            as with `TensorRT.max_size`.
    """

    width: int
    height: int
    scale: int
    network: str = "espcn"
    bits: int = 8
    precision: TensorRTPrecision = "auto"
    flavour: Flavour = "auto"
    capabilities: tuple[str, ...] = ()
    any_size: bool = False


def build_plans(
    request: BuildRequest, on_progress: Callable[[str, str, float], None] | None = None
) -> list[StoredPlan]:
    """Build the plans that the filter will look for, unless they are in the cache.

    Args:
        request: What to build: for each GPU a plan for limited and one for full range.
        on_progress: Told the plan's title, a phase's name and how much of it is done, 0 … 1.

    Returns:
        The plans, as they lie in the cache.

    Raises:
        InputError: The network, size, bits or a capability cannot be used.
        BackendError: TensorRT is not installed or cannot build for a GPU, or
            there is no GPU and no capability was given.
    """
    graphs = list(_graphs(request))
    stored = []
    for api, capability, device in _targets(request):
        for model in graphs:
            key = plan_key(api, model, capability, device)
            told: OnProgress | None = on_progress and partial(on_progress, key.title)
            load_or_build(key, partial(build_plan, api, model, capability, told), lambda _: None)
            stored.append(stored_plan(key))
    return stored


def plan_for(backend: TensorRT, model: ModelProto) -> tuple[str, bytes]:
    """A plan for other programs to run, from the cache or built, and the flavour that it is for.

    Args:
        backend: The GPU, of which the first counts, the flavour and the precision, resolved.
        model: A model from `vs_espcn.networks.graph.build_graph`.
    """
    device = open_gpu(backend.devices[0])
    device.make_current()
    api = api_for(backend.flavour, device)
    typed = source_graph(backend, model)
    key = plan_key(api, typed, device.capability, device.name, for_others=True)
    build = partial(build_plan, api, typed, device.capability, for_others=True)
    return api.flavour, load_or_build(key, build, lambda _: None)


def _graphs(request: BuildRequest) -> Iterator[ModelProto]:
    if request.bits not in graph.SAMPLES:
        raise InputError(f"bits is {request.bits}; choose one of {', '.join(map(str, graph.SAMPLES))}")
    sample = graph.SAMPLES[request.bits]
    size = (request.width, request.height)
    asked = TensorRT(
        precision=request.precision, flavour=request.flavour, max_size=size if request.any_size else None
    )
    if min(size) < 1:
        raise InputError(f"size is {request.width}x{request.height}; give a width and a height of at least 1")
    resolved = resolve(registry.find(request.network, request.scale), asked, sample.depth)
    network, backend = resolved.network, resolved.backend
    assert isinstance(backend, TensorRT)
    if not request.any_size:
        size = tile_for(backend, network, size, lanes=1)
    width, height = size
    for full_range in (False, True) if sample.depth else (True,):
        model = graph.build_graph(network, sample, full_range=full_range, width=width, height=height)
        yield source_graph(backend, model)


def _targets(request: BuildRequest) -> Iterator[tuple[TensorRTApi, str, str]]:
    """Library, compute capability and name of each GPU to build for."""
    if not request.capabilities:
        device = open_gpu(0)
        device.make_current()
        yield api_for(request.flavour, device), device.capability, device.name
        return
    api = load_api("tensorrt_rtx" if request.flavour == "auto" else request.flavour)
    if api.targets is None:
        raise InputError(
            f"{api.flavour} builds only for the GPU that is present; leave out the compute capability, "
            "or use the flavour tensorrt_rtx"
        )
    for capability in request.capabilities:
        yield api, check_capability(capability), ""
