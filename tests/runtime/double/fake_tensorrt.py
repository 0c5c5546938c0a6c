"""As much of TensorRT's Python interface as the package uses, running on the double.

A "plan" is the ONNX graph itself; an execution context puts a host function on
the stream that runs it with onnxruntime, from "device" memory to "device"
memory. That every name here exists in TensorRT too is checked in
``test_tensorrt_api.py``.
"""

import ctypes
import enum
import json
import os
from types import ModuleType, SimpleNamespace
from typing import Any
from weakref import WeakMethod

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from tests.runtime.double.driver import Held, is_capturing, kernel

HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

MAGIC = b"plan of the double\n"
SCRATCH_BYTES = 4096
SCRATCH_BYTES_OF_A_SIZE = 1024

faults: dict[str, Any] = {}
"""What is to go wrong: "enqueue", "build", "deserialize", "validity"; "memory", what
is said when there is none for a plan; "contexts", how many there is memory for; "built" and
"compiled", counts of plans and kernels; "kernels", whether what was compiled is refused; "meet" and
"while_enqueued", what a kernel calls when it runs and when it is put on a stream."""


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class NetworkDefinitionCreationFlag(enum.IntEnum):
    STRONGLY_TYPED = 0


class ProfilingVerbosity(enum.IntEnum):
    DETAILED = 2


class BuilderFlag(enum.IntEnum):
    TF32 = 6
    REQUIRE_USER_ALLOCATION = 20


class ComputeCapability(enum.IntEnum):
    NONE, CURRENT, SM75, SM80, SM86, SM89, SM120 = 0, 1, 75, 80, 86, 89, 120


class EngineValidity(enum.IntEnum):
    VALID, SUBOPTIMAL, INVALID = range(3)


class EngineInvalidityDiagnostics(enum.IntFlag):
    VERSION_MISMATCH, UNSUPPORTED_CC, OLD_CUDA_DRIVER = 1, 2, 4


class ExecutionContextAllocationStrategy(enum.IntEnum):
    STATIC, ON_PROFILE_CHANGE, USER_MANAGED = range(3)


class DynamicShapesKernelSpecializationStrategy(enum.IntEnum):
    LAZY, EAGER, NONE = range(3)


class IProgressMonitor:
    """The package overrides these."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
    def step_complete(self, phase_name: str, step: int) -> bool: ...
    def phase_finish(self, phase_name: str) -> None: ...


class IOptimizationProfile:
    def __init__(self) -> None:
        self.shapes: tuple[tuple[int, ...], ...] = ()

    def set_shape(
        self,
        input: str,  # noqa: A002 - TensorRT's name
        min: tuple[int, ...],  # noqa: A002
        opt: tuple[int, ...],
        max: tuple[int, ...],  # noqa: A002
    ) -> None:
        assert input == "frame"
        assert len(min) == len(opt) == len(max)
        assert all(low <= best <= high for low, best, high in zip(min, opt, max, strict=True))
        self.shapes = (min, max)


class IBuilderConfig:
    profiling_verbosity = ProfilingVerbosity.DETAILED
    progress_monitor: Any = None
    num_compute_capabilities = 0

    def __init__(self) -> None:
        self._limits: tuple[tuple[int, ...], ...] = ()
        self._flags: set[BuilderFlag] = {BuilderFlag.TF32}  # as in TensorRT

    def set_flag(self, flag: BuilderFlag) -> None:
        self._flags.add(flag)

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self._limits = profile.shapes
        return 0

    def clear_flag(self, flag: BuilderFlag) -> None:
        self._flags.remove(flag)

    def set_compute_capability(self, compute_capability: ComputeCapability, index: int) -> bool:
        return index == 0 and compute_capability in ComputeCapability


class Builder:
    _allocates = True  # whether contexts of its plans do, unless they are told not to

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int) -> SimpleNamespace:
        assert flags == 1
        return SimpleNamespace(model=b"")

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def build_serialized_network(self, network: SimpleNamespace, config: IBuilderConfig) -> bytes | None:
        if "build" in faults:
            self._logger.log(ILogger.ERROR, faults["build"])
            return None
        assert BuilderFlag.TF32 not in config._flags, "fp32 has 11 bits"
        faults["built"] = faults.get("built", 0) + 1
        if config.progress_monitor:
            config.progress_monitor.phase_start("Building", None, 2)
            config.progress_monitor.step_complete("Building", 0)
            config.progress_monitor.phase_finish("Building")
        if is_dynamic(network.model) != bool(config._limits):
            self._logger.log(ILogger.ERROR, "a network of dynamic shape, and no other, needs a profile")
            return None
        allocated_by_user = not self._allocates or BuilderFlag.REQUIRE_USER_ALLOCATION in config._flags
        facts = {"limits": config._limits, "allocated_by_user": allocated_by_user}
        return MAGIC + json.dumps(facts).encode() + b"\n" + network.model


def is_dynamic(model: bytes) -> bool:
    (source,) = onnx.load_from_string(model).graph.input
    return any(dim.dim_param for dim in source.type.tensor_type.shape.dim)


class OnnxParser:
    num_errors = 0

    def __init__(self, network: SimpleNamespace, logger: ILogger) -> None:
        self._network = network
        self._logger = logger

    def get_error(self, index: int) -> str:
        return f"error {index}"

    def parse(self, model: bytes) -> bool:
        self._network.model = model
        types = {value.type.tensor_type.elem_type for value in onnx.load_from_string(model).graph.input}
        return onnx.TensorProto.UINT16 not in types


class Runtime(Held):
    max_threads = 8

    def __init__(self, logger: ILogger) -> None:
        Held.__init__(self)
        self._logger = logger

    def get_engine_validity(self, buffer: bytes) -> tuple[EngineValidity, int]:
        if "validity" in faults or not buffer.startswith(MAGIC):
            return EngineValidity.INVALID, int(EngineInvalidityDiagnostics.OLD_CUDA_DRIVER)
        return EngineValidity.VALID, 0

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> "ICudaEngine | None":
        assert self.max_threads == 1, (
            "a thread that logs would wait for the caller, which holds Python's lock"
        )
        if "memory" in faults:
            self._logger.log(ILogger.ERROR, faults["memory"])
            return None
        if "deserialize" in faults or not serialized_engine.startswith(MAGIC):
            self._logger.log(ILogger.ERROR, "the plan is not understood")
            return None
        facts, _, model = serialized_engine.removeprefix(MAGIC).partition(b"\n")
        return ICudaEngine(onnx.load_from_string(model), json.loads(facts), self._logger)


class IRuntimeCache:
    """Holds a line per context that was made with it; what was read says whose it was."""

    def __init__(self) -> None:
        self._compiled = b""

    def deserialize(self, blob: bytes) -> bool:
        if "kernels" in faults:
            return False
        self._compiled = blob
        return True

    def serialize(self) -> bytes:
        """Never the same bytes twice."""
        return self._compiled + os.urandom(8)


class IRuntimeConfig:
    dynamic_shapes_kernel_specialization_strategy = DynamicShapesKernelSpecializationStrategy.LAZY

    def __init__(self) -> None:
        self._strategy = ExecutionContextAllocationStrategy.STATIC
        self._cache: IRuntimeCache | None = None

    def set_execution_context_allocation_strategy(self, strategy: ExecutionContextAllocationStrategy) -> None:
        self._strategy = strategy

    def create_runtime_cache(self) -> IRuntimeCache:
        return IRuntimeCache()

    def set_runtime_cache(self, cache: IRuntimeCache) -> bool:
        self._cache = cache
        return True


class ICudaEngine(Held):
    device_memory_size_v2 = SCRATCH_BYTES

    def __init__(self, model: onnx.ModelProto, facts: dict[str, Any], logger: ILogger) -> None:
        super().__init__()
        self._model, self._facts = model, facts
        self._logger = logger

    def create_runtime_config(self) -> IRuntimeConfig:
        return IRuntimeConfig()

    def create_execution_context(
        self, strategy: ExecutionContextAllocationStrategy | IRuntimeConfig
    ) -> "IExecutionContext | None":
        if faults.get("contexts") == 0:
            self._logger.log(ILogger.ERROR, "Error Code 2: OutOfMemory (Requested size was 1024 bytes.)")
            self._logger.log(ILogger.ERROR, "Error Code 4: Internal Error (no context was made)")
            return None
        faults["contexts"] = faults.get("contexts", 0) - 1
        cache = None
        if isinstance(strategy, IRuntimeConfig):
            specialisation = strategy.dynamic_shapes_kernel_specialization_strategy
            assert specialisation is DynamicShapesKernelSpecializationStrategy.EAGER
            strategy, cache = strategy._strategy, strategy._cache
            assert cache is not None
        assert strategy is ExecutionContextAllocationStrategy.USER_MANAGED
        return IExecutionContext(self._model, self._facts, cache, self._logger)


class IExecutionContext(Held):
    def __init__(
        self, model: onnx.ModelProto, facts: dict[str, Any], cache: IRuntimeCache | None, logger: ILogger
    ) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # frames are small, idle threads cost turns
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self._input, self._output = (
            (value.name, helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
            for value in (model.graph.input[0], model.graph.output[0])
        )
        self._limits, self._cache = facts["limits"], cache
        self._allocated_by_user = facts["allocated_by_user"]
        dims = model.graph.input[0].type.tensor_type.shape.dim
        self._shape: tuple[int, ...] | None = None if self._limits else tuple(dim.dim_value for dim in dims)
        scales = {each.key: each.value for each in model.metadata_props}
        sides = [
            value.type.tensor_type.shape.dim[2].dim_value
            for value in (*model.graph.input, *model.graph.output)
        ]
        self._scale = int(scales["scale"]) if self._limits else sides[1] // sides[0]
        self._scratch_bytes = SCRATCH_BYTES
        self._addresses: dict[str, int] = {}
        self._scratch: np.ndarray | None = None
        self._logger = logger
        run = WeakMethod(self._run)  # so that a context goes with its last reference
        self._function = HostFunction(lambda _: run()())

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert name == self._input[0]
        least, most = self._limits
        if not all(low <= side <= high for low, side, high in zip(least, shape, most, strict=True)):
            self._logger.log(ILogger.ERROR, "the shape is not within the profile")
            return False
        self._shape = shape
        return True

    def update_device_memory_size_for_shapes(self) -> int:
        assert self._shape is not None
        self._scratch_bytes = SCRATCH_BYTES_OF_A_SIZE
        return self._scratch_bytes

    def set_device_memory(self, memory: int, size: int) -> None:
        assert size >= self._scratch_bytes
        self._scratch = np.frombuffer((ctypes.c_uint8 * size).from_address(memory), np.uint8)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        assert name in {self._input[0], self._output[0]}
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if "enqueue" in faults:
            self._logger.log(ILogger.ERROR, faults["enqueue"])
            return False
        if is_capturing(stream_handle) and not self._allocated_by_user:
            self._logger.log(ILogger.ERROR, "the plan allocates while it runs")
            return False
        if (while_enqueued := faults.get("while_enqueued")) is not None:
            while_enqueued()
        assert self._shape is not None
        assert self._scratch is not None
        (name, dtype), (result_name, result_dtype) = self._input, self._output
        nbytes = int(np.prod(self._shape)) * dtype.itemsize
        result_nbytes = nbytes // dtype.itemsize * result_dtype.itemsize * self._scale**2
        used = {
            self._addresses[name]: nbytes,
            self._addresses[result_name]: result_nbytes,
            self._scratch.ctypes.data: self._scratch_bytes,
        }
        return kernel(stream_handle, self._function, used)

    def is_stream_capturable(self, stream: int) -> bool:
        return bool(stream) and self._allocated_by_user and "capturable" not in faults

    def _run(self) -> None:
        if (wait := faults.get("meet")) is not None:
            wait()
        assert self._scratch is not None
        assert self._shape is not None
        self._scratch[:] += 1
        if self._cache is not None and b"kernels for" not in self._cache._compiled:
            faults["compiled"] = faults.get("compiled", 0) + 1
            self._cache._compiled += f"kernels for {self._shape}\n".encode()
        (name, dtype), (result_name, result_dtype) = self._input, self._output
        nbytes = int(np.prod(self._shape)) * dtype.itemsize
        held = (ctypes.c_uint8 * nbytes).from_address(self._addresses[name])
        source = np.frombuffer(held, np.uint8).view(dtype).reshape(self._shape)
        result = np.ascontiguousarray(self._session.run(None, {name: source})[0], result_dtype)
        ctypes.memmove(self._addresses[result_name], result.ctypes.data, result.nbytes)


_OF_RTX = (
    "ComputeCapability",
    "DynamicShapesKernelSpecializationStrategy",
    "EngineValidity",
    "EngineInvalidityDiagnostics",
    "IRuntimeCache",
)


def module(flavour: str) -> ModuleType:
    """A module to put into ``sys.modules`` under the flavour's name."""
    fake = ModuleType(flavour)
    fake.__version__ = "0.double"  # type: ignore[attr-defined]
    for name, value in globals().items():
        if isinstance(value, type) and value.__module__ == __name__:
            setattr(fake, name, value)
    if flavour == "tensorrt":
        for name in _OF_RTX:
            delattr(fake, name)
        flags = {name: flag for name, flag in BuilderFlag.__members__.items() if name == "TF32"}
        fake.BuilderFlag = enum.IntEnum("BuilderFlag", flags)  # type: ignore[attr-defined]
        fake.Builder = type("Builder", (Builder,), {"_allocates": False})  # type: ignore[attr-defined]
        fake.Runtime = type("Runtime", (Held,), {**vars(Runtime)})  # type: ignore[attr-defined]
        del fake.Runtime.get_engine_validity
    return fake
