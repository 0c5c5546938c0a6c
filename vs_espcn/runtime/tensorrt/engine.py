"""TensorRT and TensorRT-RTX behind the `Engine` protocol."""

from functools import partial
from typing import Any, cast

from onnx import ModelProto

from vs_espcn.errors import BackendError
from vs_espcn.networks.graph import FRAME_NAME, UPSCALED_FRAME_NAME, largest_size
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.cuda_slot import CudaEngine, CudaSlot, PlaneType, check_free_memory, plane_types
from vs_espcn.runtime.tensorrt.api import TensorRTApi, choose_api
from vs_espcn.runtime.tensorrt.build import build_plan, plan_key, source_graph
from vs_espcn.runtime.tensorrt.context import ContextMaker
from vs_espcn.runtime.tensorrt.plan_cache import load_kernels, load_or_build, store_kernels


class TensorRTEngine(CudaEngine):
    """A plan loaded on one or more GPUs, with one execution context per lane."""

    def __init__(self, backend: TensorRT, graph: ModelProto, *, lanes: int) -> None:
        """Load the plan from the cache, or build it; see `vs_espcn.runtime.engine_factory.open_engine`."""
        built_from = source_graph(backend, graph)
        source, target = plane_types(graph)
        lane_devices = [backend.devices[lane % len(backend.devices)] for lane in range(lanes)]
        plans = {
            index: _LoadedPlan(cuda.Device(index), built_from, backend, source)
            for index in dict.fromkeys(lane_devices)
        }
        for index, plan in plans.items():
            plan.check_memory(source.nbytes + target.nbytes, lane_devices.count(index))
        names = ", ".join(f"{plan.device.name} ({index})" for index, plan in plans.items())
        api = next(iter(plans.values())).api
        super().__init__(
            f"{api.flavour} {api.version} on {names}, {backend.arithmetic}, {lanes} lanes",
            (
                CudaSlot(plan.device, source, target, plan.make_program, cuda_graph=backend.cuda_graph)
                for plan in map(plans.__getitem__, lane_devices)
            ),
        )
        for plan in plans.values():
            plan.keep_kernels()


class _LoadedPlan:
    """A plan on one GPU, which execution contexts for planes of one size are made from."""

    def __init__(self, device: cuda.Device, graph: ModelProto, backend: TensorRT, source: PlaneType) -> None:
        """Load it; `device` has been opened, so there is a driver: without one, TensorRT may crash."""
        self.device = device
        self.api: TensorRTApi = choose_api(backend.flavour, device.capability)
        device.make_current()
        self._runtime = self.api.module.Runtime(self.api.logger)  # must outlive the engine
        self._engine = cast(Any, None)
        self._key = plan_key(self.api, graph, device.capability, device.name)
        plan = load_or_build(
            self._key,
            partial(build_plan, self.api, graph, device.capability) if backend.build else None,
            self._load,
        )
        if self._engine is None and (problem := self._load(plan)):
            raise BackendError(f"{problem}, although it was just built for {device.name}; update the driver")
        self._contexts = ContextMaker(self.api, self._engine, load_kernels(self._key, device.name))
        self._shape = None if largest_size(graph) is None else _shape(graph, source)
        self._spare = [self._make_context()]  # tells how much working memory each needs

    def _load(self, plan: bytes) -> str | None:
        """Load a plan; returns why it cannot be, if it cannot."""
        problem = self.api.refusal(self._runtime, plan)
        if problem is None:
            self._engine = self._runtime.deserialize_cuda_engine(plan)
            if self._engine is None:
                return str(self.api.failure("cannot load the plan"))
        return problem

    def check_memory(self, frame_bytes: int, lanes: int) -> None:
        """Compare what the lanes on this GPU will take with what is free.

        Args:
            frame_bytes: Of a lane's input and output.
            lanes: Lanes on this GPU.

        Raises:
            BackendError: It is not enough.
        """
        _, scratch = self._spare[0]
        check_free_memory(self.device, frame_bytes + scratch, lanes)

    def make_program(self, resources: cuda.Resources, source: int, target: int) -> "_ContextProgram":
        """Make an execution context, whose working memory `resources` owns."""
        context, scratch = self._spare.pop() if self._spare else self._make_context()
        if scratch:
            context.set_device_memory(resources.on_device(scratch), scratch)
        program = _ContextProgram(self.api, self, context, {FRAME_NAME: source, UPSCALED_FRAME_NAME: target})
        resources.on_close(program.close)
        return program

    def keep_kernels(self) -> None:
        """Store what was compiled for the contexts, if anything was that is not stored yet."""
        self.device.make_current()
        if (kernels := self._contexts.compiled()) is not None:
            store_kernels(self._key, self.device.name, kernels)

    def _make_context(self) -> tuple[Any, int]:
        """A context and how many bytes of working memory it needs."""
        context = self._contexts.make()
        if context is None:
            raise self.api.failure(f"cannot make an execution context on {self.device.name}")
        if self._shape is None:
            return context, self._engine.device_memory_size_v2
        if not context.set_input_shape(FRAME_NAME, self._shape):
            raise self.api.failure(f"does not take planes of shape {self._shape}")
        return context, context.update_device_memory_size_for_shapes()


def _shape(graph: ModelProto, source: PlaneType) -> tuple[int, ...]:
    """Shape of a graph's input for planes of one size."""
    pair = (dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim[4:])
    return (1, 1, source.height, source.width, *pair)


class _ContextProgram:
    """An execution context bound to one lane's buffers."""

    def __init__(
        self,
        api: TensorRTApi,
        plan: _LoadedPlan,
        context: Any,  # noqa: ANN401 - TensorRT has no types
        addresses: dict[str, int],
    ) -> None:
        """Bind; `plan` is kept because the context needs it."""
        self._api, self._plan, self._context = api, plan, context
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                raise api.failure(f"cannot bind {name!r}")

    def enqueue(self, stream: int) -> None:
        """Put a frame's kernels on a stream; see `vs_espcn.runtime.cuda_slot.Program`."""
        if not self._context.execute_async_v3(stream):
            raise self._api.failure("failed while running")

    def can_be_recorded(self, stream: int) -> bool:
        """Whether this work may be recorded as a CUDA graph."""
        return self._api.can_be_recorded(self._context, stream)

    def close(self) -> None:
        """Let go of the context, before its working memory is freed."""
        self._context = None
