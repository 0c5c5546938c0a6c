"""As much of TensorRT's Python interface as the package uses, running on the double.

A "plan" is the ONNX graph itself; an execution context puts a host function on
the stream that runs it with onnxruntime, from "device" memory to "device"
memory. That every name here exists in TensorRT too is checked in
``test_tensorrt_api.py``.
"""

import ctypes
import enum
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

MAGIC = b"plan of the double\n"
SCRATCH_BYTES = 4096

faults: dict[str, Any] = {}
"""What is to go wrong: "enqueue", "build", "deserialize", "validity"; and "built", a count of builds."""


@cache
def libcuda() -> ctypes.CDLL:
    """The double, which must have been put on the loader's path."""
    library = ctypes.CDLL("libcuda.so.1")
    library.double_get.restype = ctypes.c_long
    library.double_set.argtypes = [ctypes.c_char_p, ctypes.c_long]
    return library


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class NetworkDefinitionCreationFlag(enum.IntEnum):
    STRONGLY_TYPED = 0


class ProfilingVerbosity(enum.IntEnum):
    DETAILED = 2


class BuilderFlag(enum.IntEnum):
    TF32 = 6


class ComputeCapability(enum.IntEnum):
    NONE, CURRENT, SM75, SM80, SM86, SM89, SM120 = 0, 1, 75, 80, 86, 89, 120


class EngineValidity(enum.IntEnum):
    VALID, SUBOPTIMAL, INVALID = range(3)


class EngineInvalidityDiagnostics(enum.IntFlag):
    VERSION_MISMATCH, UNSUPPORTED_CC, OLD_CUDA_DRIVER = 1, 2, 4


class ExecutionContextAllocationStrategy(enum.IntEnum):
    STATIC, ON_PROFILE_CHANGE, USER_MANAGED = range(3)


class IProgressMonitor:
    """The package overrides these."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
    def step_complete(self, phase_name: str, step: int) -> bool: ...
    def phase_finish(self, phase_name: str) -> None: ...


class IBuilderConfig:
    profiling_verbosity = ProfilingVerbosity.DETAILED
    progress_monitor: Any = None
    num_compute_capabilities = 0

    def clear_flag(self, flag: BuilderFlag) -> None:
        assert flag is BuilderFlag.TF32

    def set_compute_capability(self, compute_capability: ComputeCapability, index: int) -> bool:
        return index == 0 and compute_capability in ComputeCapability


class Builder:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int) -> SimpleNamespace:
        assert flags == 1
        return SimpleNamespace(model=b"")

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def build_serialized_network(self, network: SimpleNamespace, config: IBuilderConfig) -> bytes | None:
        if "build" in faults:
            self._logger.log(ILogger.ERROR, faults["build"])
            return None
        faults["built"] = faults.get("built", 0) + 1
        if config.progress_monitor:
            config.progress_monitor.phase_start("Building", None, 2)
            config.progress_monitor.step_complete("Building", 0)
            config.progress_monitor.phase_finish("Building")
        return MAGIC + network.model


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


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def get_engine_validity(self, buffer: bytes) -> tuple[EngineValidity, int]:
        if "validity" in faults or not buffer.startswith(MAGIC):
            return EngineValidity.INVALID, int(EngineInvalidityDiagnostics.OLD_CUDA_DRIVER)
        return EngineValidity.VALID, 0

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> "ICudaEngine | None":
        if "deserialize" in faults or not serialized_engine.startswith(MAGIC):
            self._logger.log(ILogger.ERROR, "the plan is not understood")
            return None
        return ICudaEngine(onnx.load_from_string(serialized_engine.removeprefix(MAGIC)), self._logger)


class ICudaEngine:
    device_memory_size_v2 = SCRATCH_BYTES

    def __init__(self, model: onnx.ModelProto, logger: ILogger) -> None:
        self._model = model
        self._logger = logger

    def create_execution_context(self, strategy: ExecutionContextAllocationStrategy) -> "IExecutionContext":
        assert strategy is ExecutionContextAllocationStrategy.USER_MANAGED
        return IExecutionContext(self._model, self._logger)


class IExecutionContext:
    def __init__(self, model: onnx.ModelProto, logger: ILogger) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # frames are small, idle threads cost turns
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self._types = {
            value.name: value.type.tensor_type for value in (*model.graph.input, *model.graph.output)
        }
        self._arrays: dict[str, np.ndarray] = {}
        self._scratch: np.ndarray | None = None
        self._logger = logger
        self._function = HostFunction(self._run)

    def set_device_memory(self, memory: int, size: int) -> None:
        assert size == SCRATCH_BYTES
        self._scratch = np.frombuffer((ctypes.c_uint8 * size).from_address(memory), np.uint8)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        shape = [dim.dim_value for dim in self._types[name].shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(self._types[name].elem_type)
        nbytes = int(np.prod(shape)) * dtype.itemsize
        bytes_ = np.frombuffer((ctypes.c_uint8 * nbytes).from_address(memory), np.uint8)
        self._arrays[name] = bytes_.view(dtype).reshape(shape)
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if "enqueue" in faults:
            self._logger.log(ILogger.ERROR, faults["enqueue"])
            return False
        assert libcuda().cuLaunchHostFunc(ctypes.c_void_p(stream_handle), self._function, None) == 0
        return True

    def is_stream_capturable(self, stream: int) -> bool:
        return bool(stream) and "capturable" not in faults

    def _run(self, _: object) -> None:
        assert self._scratch is not None
        self._scratch[:] += 1
        (source, target) = self._arrays.values()
        name = next(iter(self._arrays))
        target[:] = self._session.run(None, {name: source})[0]


_OF_RTX = ("ComputeCapability", "EngineValidity", "EngineInvalidityDiagnostics")


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
        fake.Runtime = type("Runtime", (), {**vars(Runtime)})  # type: ignore[attr-defined]
        del fake.Runtime.get_engine_validity
    return fake
