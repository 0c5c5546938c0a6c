"""TensorRT and TensorRT-RTX behind the `Engine` protocol."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, cast

from onnx import ModelProto

from vs_espcn.errors import BackendError
from vs_espcn.networks.graph import FRAME_NAME, UPSCALED_FRAME_NAME, largest_size
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.cuda_engine import CudaEngine
from vs_espcn.runtime.cuda_resources import Resources
from vs_espcn.runtime.cuda_slot import CudaSlot, PlaneType, lanes_that_fit, plane_types
from vs_espcn.runtime.tensorrt.api import TensorRTApi, api_for, open_gpu
from vs_espcn.runtime.tensorrt.build import build_plan, plan_key, source_graph
from vs_espcn.runtime.tensorrt.context import ContextMaker
from vs_espcn.runtime.tensorrt.plan_cache import load_kernels, load_or_build, store_kernels
from vs_espcn.runtime.tiling import Tiling


class TensorRTEngine(CudaEngine):
    """A plan loaded on one or more GPUs, with one execution context per lane."""

    def __init__(self, backend: TensorRT, graph: ModelProto, tiling: Tiling, *, lanes: int) -> None:
        """Load the plan from the cache, or build it; see `vs_espcn.runtime.engine_factory.open_engine`."""
        built_from = source_graph(backend, graph)
        source, target = plane_types(graph)
        wanted = [open_gpu(backend.devices[lane % len(backend.devices)]) for lane in range(lanes)]
        try:
            plans = {
                device: _LoadedPlan(device, built_from, backend, source) for device in dict.fromkeys(wanted)
            }
        except cuda.OutOfMemoryError as error:
            raise cuda.OutOfMemoryError(f"{error}; use precision='fp16' or smaller tiles") from error
        fewer = backend.lanes is None
        frame_bytes = source.nbytes + target.nbytes
        left = {
            device: lanes_that_fit(device, frame_bytes + plan.scratch, wanted.count(device), fewer=fewer)
            for device, plan in plans.items()
        }
        devices = []
        for device in wanted:
            left[device] -= 1
            if left[device] >= 0:
                devices.append(device)

        def open_slot(device: cuda.Device) -> CudaSlot:
            make_program = plans[device].make_program
            return CudaSlot(device, source, target, tiling, make_program, cuda_graph=backend.cuda_graph)

        libraries = ", ".join(
            dict.fromkeys(f"{plan.api.flavour} {plan.api.version}" for plan in plans.values())
        )
        names = ", ".join(f"{device.name} ({device.index})" for device in plans)
        super().__init__(f"{libraries} on {names}, {backend.arithmetic}", devices, open_slot, fewer=fewer)
        for plan in plans.values():
            plan.keep_kernels()


class _LoadedPlan:
    """A plan on one GPU, which execution contexts for planes of one size are made from."""

    def __init__(self, device: cuda.Device, graph: ModelProto, backend: TensorRT, source: PlaneType) -> None:
        """Load it; `device` has been opened, so there is a driver: without one, TensorRT may crash."""
        self._device = device
        self.api: TensorRTApi = api_for(backend.flavour, device)
        device.make_current()
        self._runtime = self.api.module.Runtime(self.api.messages.logger)  # must outlive the engine
        # No thread of TensorRT's own may log while a plan is loaded: see `messages`.
        self._runtime.max_threads = 1
        self._engine = cast(Any, None)
        self._key = plan_key(self.api, graph, device.capability, device.name)
        plan = load_or_build(
            self._key,
            partial(build_plan, self.api, graph, device.capability) if backend.build else None,
            self._load,
        )
        if self._engine is None and (problem := self._load(plan)):
            raise BackendError(f"{problem}, although it was just built for {device.name}; update the driver")
        self._shape = None if largest_size(graph) is None else _shape(graph, source)
        kernels = load_kernels(self._key, device.name, self._shape)
        self._contexts = ContextMaker(self.api, self._engine, kernels)
        context, self.scratch = self._make_context()  # tells how much working memory each needs
        self._spare = [context]

    def _load(self, plan: bytes) -> str | None:
        """Load a plan; returns why it cannot be, if it cannot."""
        problem = self.api.refusal(self._runtime, plan)
        if problem is not None:
            return problem
        try:
            load = self._runtime.deserialize_cuda_engine
            self._engine = self.api.checked("cannot load the plan", load, plan)
        except cuda.OutOfMemoryError:
            raise  # another plan would not load either
        except BackendError as error:
            return str(error)
        return None

    def make_program(self, resources: Resources, source: int, target: int) -> "_ContextProgram":
        """Make an execution context, whose working memory `resources` owns."""
        context = self._spare.pop() if self._spare else self._make_context()[0]
        if self.scratch:
            context.set_device_memory(resources.on_device(self.scratch), self.scratch)
        program = _ContextProgram(self.api, self, context, {FRAME_NAME: source, UPSCALED_FRAME_NAME: target})
        resources.on_close(program.close)
        return program

    def keep_kernels(self) -> None:
        """Store what was compiled for the contexts, if nothing that could be used was stored."""
        self._device.make_current()
        if (kernels := self._contexts.compiled()) is not None:
            store_kernels(self._key, self._device.name, kernels, self._shape)

    def _make_context(self) -> tuple[Any, int]:
        """A context and how many bytes of working memory it needs."""
        context = self._contexts.make()
        if self._shape is None:
            return context, self._engine.device_memory_size_v2
        what = f"does not take planes of shape {self._shape}"
        self.api.checked(what, context.set_input_shape, FRAME_NAME, self._shape)
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
            api.checked(f"cannot bind {name!r}", context.set_tensor_address, name, address)

    def enqueue(self, stream: int) -> None:
        """Put a frame's kernels on a stream; see `vs_espcn.runtime.cuda_slot.Program`."""
        self._api.checked("failed while running", self._context.execute_async_v3, stream)

    def can_be_recorded(self, stream: int) -> bool:
        """Whether this work may be recorded as a CUDA graph."""
        return self._api.can_be_recorded(self._context, stream)

    def recording(self) -> AbstractContextManager[None]:
        """Nothing has to be done around a recording."""
        return nullcontext()

    def close(self) -> None:
        """Let go of the context, before its working memory is freed."""
        self._context = None
