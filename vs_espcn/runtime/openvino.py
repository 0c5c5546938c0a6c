"""OpenVINO as an `Engine`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from onnx import ModelProto

from vs_espcn.errors import BackendError, RuntimeMissingError
from vs_espcn.networks.registry import is_int8
from vs_espcn.runtime.backends import OpenVINO, Precision
from vs_espcn.runtime.engine import Plane
from vs_espcn.runtime.openvino_errors import openvino_reason
from vs_espcn.runtime.shuffle import interleave, without_shuffle
from vs_espcn.runtime.tiling import Tiling, scaled


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """Hide ``openvino_telemetry`` from `import openvino`, which would report the import to its makers."""
    name = "openvino_telemetry"
    if name in sys.modules:  # the program that loaded it decides
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


try:
    with _no_telemetry():
        import openvino as ov
except ImportError as error:
    raise RuntimeMissingError(f"cannot import openvino: {error}") from error


@cache
def _core() -> ov.Core:
    """Return the process's only core, which is never closed.

    A core's CPU plugin sets a signal stack for the thread that loads it and restores the previous
    one on closing: perhaps that of another core, which may be freed by then. The next signal, even
    one that Python handles, would then end the process with a segmentation fault.
    """
    return ov.Core()


def devices() -> dict[str, str]:
    """Return OpenVINO's devices on this machine: name to full name."""
    core = _core()
    return {name: str(core.get_property(name, "FULL_DEVICE_NAME")) for name in core.available_devices}


def resolve_precision(device: str, precision: Precision) -> Precision:
    """Resolve the precision of a float network: "auto" and "fast" mean bf16 if the device has it, else fp32.

    Args:
        device: OpenVINO's name of the device.
        precision: The precision to resolve.

    Raises:
        BackendError: There is no such device, or `precision` is bf16, which it does not have.
    """
    try:
        capabilities = _core().get_property(device, "OPTIMIZATION_CAPABILITIES")
    except RuntimeError as error:
        raise BackendError(
            f"OpenVINO has no device {device!r} here; present are {', '.join(devices())}"
        ) from error
    if precision in {"auto", "fast"}:
        return "bf16" if "BF16" in capabilities else "fp32"
    if precision == "bf16" and "BF16" not in capabilities:
        raise BackendError(f"device {device} does not support bf16; use precision='fp32' or 'auto'")
    return precision


class OpenVINOEngine:
    """A graph compiled for one device, with one inference request per lane."""

    def __init__(self, backend: OpenVINO, graph: ModelProto, tiling: Tiling, *, lanes: int) -> None:
        """Compile; see `vs_espcn.runtime.engine_factory.open_engine`."""
        self._device = backend.device
        self._precision = resolve_precision(backend.device, backend.precision)
        self._tiling = tiling
        graph, side = without_shuffle(graph)
        compiled = _compile(graph, self._device, self._precision, lanes)
        try:
            self._slots = tuple(OpenVINOSlot(compiled, tiling, side) for _ in range(lanes))
        except (RuntimeError, MemoryError) as error:
            raise _failed("OpenVINO cannot hold the network's tensors", error) from error

    @property
    def description(self) -> str:
        """Device, precision and lanes in a few words, for the log."""
        return f"OpenVINO on {self._device}, {self._precision}, {len(self._slots)} lanes{self._tiling}"

    @property
    def slots(self) -> tuple["OpenVINOSlot", ...]:
        """One slot per lane."""
        return self._slots

    def close(self) -> None:
        """Release the compiled network; a second call does nothing."""
        for slot in self._slots:
            slot.close()


class OpenVINOSlot:
    """One inference request with input and output tensors that are allocated once."""

    def __init__(self, compiled: ov.CompiledModel, tiling: Tiling, side: int) -> None:
        """Allocate both tensors at the graph's static shape.

        Args:
            compiled: The graph, with output samples in the order of a plane or of `without_shuffle`.
            tiling: How planes are cut into tiles of the graph's size.
            side: Side of a cell in the order of `without_shuffle`; 1 for the order of a plane.
        """
        self._request: ov.InferRequest | None = compiled.create_infer_request()
        self._input = self._request.get_input_tensor().data[0, 0]
        output = self._request.get_output_tensor().data[0]
        self._tiles = tiling.tiles
        self._side = side
        self._output = output[0] if side == 1 else output

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; see `vs_espcn.runtime.engine.Slot`."""
        if self._request is None:
            raise BackendError("the slot is closed")
        scale = target.shape[0] // source.shape[0]
        for tile in self._tiles:
            np.copyto(self._input, source[tile.source])
            try:
                self._request.start_async()
                self._request.wait()
            except RuntimeError as error:
                raise _failed("OpenVINO failed while running", error) from error
            placed = target[scaled(tile.placed, scale)]
            kept = self._output[scaled(tile.kept, scale // self._side)]  # more cells after an earlier shuffle
            if self._side == 1:
                np.copyto(placed, kept)
            else:
                interleave(kept, placed)

    def close(self) -> None:
        """Release the request; `upscale` fails from then on."""
        self._request = None


def _compile(graph: ModelProto, device: str, precision: Precision, lanes: int) -> ov.CompiledModel:
    """Compile for throughput over `lanes` requests; float operations of an int8 graph run in fp32."""
    core = _core()
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "NUM_STREAMS": str(lanes),
    }
    try:
        return core.compile_model(core.read_model(graph.SerializeToString()), device, options)
    except RuntimeError as error:
        raise _failed(f"OpenVINO cannot run the network on {device}", error) from error


def _failed(what: str, error: Exception) -> BackendError:
    return BackendError(f"{what}: {openvino_reason(error)}")


def raw_runner(backend: OpenVINO, graph: ModelProto, *, lanes: int) -> Callable[[int], None]:
    """Return OpenVINO alone with the unchanged graph, against which benchmarks measure the filter.

    Args:
        backend: As for `vs_espcn.runtime.engine_factory.open_engine`.
        graph: As for `vs_espcn.runtime.engine_factory.open_engine`.
        lanes: As for `vs_espcn.runtime.engine_factory.open_engine`.

    Returns:
        A function that computes a number of frames, without copies, in one
        request per lane. OpenVINO itself keeps all requests busy.
    """
    precision = "int8" if is_int8(graph) else resolve_precision(backend.device, backend.precision)
    queue = ov.AsyncInferQueue(_compile(graph, backend.device, precision, lanes), lanes)

    def run(frames: int) -> None:
        for _ in range(frames):
            queue.start_async()
        queue.wait_all()

    return run
