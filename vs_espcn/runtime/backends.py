"""The backends' settings: where a network runs, in which precision, and in how many lanes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from vs_espcn.errors import InputError
from vs_espcn.runtime.hardware import available_cores

Precision = Literal["auto", "fp32", "bf16", "int8", "fast"]
"""Precision of a network on OpenVINO."""

GpuPrecision = Literal["auto", "fp32", "fp16"]
"""Precision of a network on a GPU; ``"auto"`` is fp16 up to 10 bits and fp32 above, as fp16 has 11 bits."""

TensorRTPrecision = Literal["auto", "fp32", "fp16", "int8"]
"""Precision of a network on TensorRT; ``"int8"`` selects the network's int8 form."""

GpuArithmetic = Literal["fp32", "fp16", "int8"]
"""Precision in which a GPU computes a network, once ``"auto"`` is resolved."""

Flavour = Literal["auto", "tensorrt", "tensorrt_rtx"]


@dataclass(frozen=True, kw_only=True)
class OpenVINO:
    """Settings to run on the CPU (or another OpenVINO device).

    Attributes:
        device: OpenVINO's name of the device, for example ``"CPU"``.
        precision: ``"fp32"``, ``"bf16"`` or ``"int8"`` (the network's int8
            form); ``"auto"`` for bf16 if the device has it and it is accurate
            enough for clip and network (docs/reference/formats.md), else
            fp32; ``"fast"`` for int8 if the network has that form and it is
            exact on the processor, else as ``"auto"``.
        lanes: Frames in work at once; None to choose by the number of cores.
    """

    name: ClassVar = "openvino"
    precisions: ClassVar[tuple[str, ...]] = get_args(Precision)

    device: str = "CPU"
    precision: Precision = "auto"
    lanes: int | None = None

    def __post_init__(self) -> None:
        _check_common(self)
        if not isinstance(self.device, str):
            raise InputError(f"device is {self.device!r}; give OpenVINO's name of one, such as 'CPU'")


@dataclass(frozen=True, kw_only=True)
class TensorRT:
    """Settings to run on NVIDIA GPUs through TensorRT or TensorRT-RTX.

    Attributes:
        device: Number of the GPU, or of several, which the lanes use in turn.
        flavour: ``"tensorrt"``, ``"tensorrt_rtx"``, or ``"auto"`` for the
            first of them that is installed and supports the GPU.
        precision: ``"fp32"``, ``"fp16"``, ``"int8"`` (the network's int8
            form), or ``"auto"`` for fp16 up to 10 bits and fp32 above.
        lanes: Frames in work at once; None for three per GPU, or as many as its memory allows.
        cuda_graph: True to launch a frame's copies and kernels as one CUDA graph.
        build: True to build a plan that is not in the cache; False to raise
            an error instead.
        max_size: Largest width and height of planes or tiles, up to which one
            plan serves every size; None for a plan per size, which is faster.
    """

    name: ClassVar = "tensorrt"
    precisions: ClassVar[tuple[str, ...]] = get_args(TensorRTPrecision)

    device: int | Sequence[int] = 0
    flavour: Flavour = "auto"
    precision: TensorRTPrecision = "auto"
    lanes: int | None = None
    cuda_graph: bool = True
    build: bool = True
    max_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_common(self)
        if self.max_size is not None:
            _check_size("max_size", self.max_size)
        if self.flavour not in get_args(Flavour):
            raise InputError(
                f"flavour {self.flavour!r} is not known; choose one of {', '.join(get_args(Flavour))}"
            )
        if (
            not isinstance(self.device, int | Sequence)
            or not self.devices
            or any(not isinstance(index, int) or index < 0 for index in self.devices)
        ):
            raise InputError(
                f"device is {self.device!r}; give the number of a GPU, from 0, or a list of them"
            )

    @property
    def devices(self) -> tuple[int, ...]:
        """The GPUs' numbers."""
        return (self.device,) if isinstance(self.device, int) else tuple(self.device)

    @property
    def arithmetic(self) -> GpuArithmetic:
        """The resolved precision; see `vs_espcn.runtime.precision.resolved_backend`.

        Raises:
            ValueError: It is still ``"auto"``.
        """
        return _resolved(self.precision)


@dataclass(frozen=True, kw_only=True)
class Torch:
    """Settings to run on an NVIDIA GPU through PyTorch, if TensorRT does not support it or is not installed.

    Attributes:
        device: PyTorch's name of the GPU, for example ``"cuda:0"``.
        precision: ``"fp32"``, ``"fp16"``, or ``"auto"`` for fp16 up to 10
            bits and fp32 above.
        lanes: Frames in work at once; None for three, or as many as the GPU's memory allows.
        cuda_graph: True to launch a frame's copies and kernels as one CUDA graph.
    """

    name: ClassVar = "torch"
    precisions: ClassVar[tuple[str, ...]] = get_args(GpuPrecision)

    device: str = "cuda:0"
    precision: GpuPrecision = "auto"
    lanes: int | None = None
    cuda_graph: bool = True

    def __post_init__(self) -> None:
        _check_common(self)
        kind, _, number = str(self.device).partition(":")
        if kind != "cuda" or not re.fullmatch(r"[0-9]{0,4}", number):
            raise InputError(f"device is {self.device!r}; give 'cuda' or 'cuda:' and the number of a GPU")

    @property
    def index(self) -> int:
        """The GPU's number."""
        return int(self.device.partition(":")[2] or 0)

    @property
    def arithmetic(self) -> GpuArithmetic:
        """The resolved precision; see `vs_espcn.runtime.precision.resolved_backend`.

        Raises:
            ValueError: It is still ``"auto"``.
        """
        return _resolved(self.precision)


@dataclass(frozen=True, kw_only=True)
class Vulkan:
    """Settings to run on a GPU of any maker through Vulkan and ncnn.

    Attributes:
        device: Number of the GPU, as `vs-espcn info` lists them.
        precision: Arithmetic of the network: ``"fp32"``, ``"fp16"``, or
            ``"auto"`` for fp16 where that is accurate enough and the GPU has it, else fp32.
        lanes: Frames in work at once; None is three.
    """

    name: ClassVar = "vulkan"
    precisions: ClassVar[tuple[str, ...]] = get_args(GpuPrecision)

    device: int = 0
    precision: GpuPrecision = "auto"
    lanes: int | None = None

    def __post_init__(self) -> None:
        _check_common(self)
        if type(self.device) is not int or self.device < 0:
            raise InputError(f"device is {self.device!r}; give the number of a GPU, from 0")


Backend = OpenVINO | TensorRT | Torch | Vulkan
"""Any backend's settings."""

BACKENDS: dict[str, type[Backend]] = {kind.name: kind for kind in (TensorRT, Torch, Vulkan, OpenVINO)}
"""Every backend by its name on the command line, the preferred first."""


def check_backend(value: Backend) -> Backend:
    """Validate and return the backend.

    Raises:
        InputError: It is not a backend, but for example a backend's name.
    """
    if not isinstance(value, Backend):
        accepted = ", ".join(f"vs_espcn.{kind.__name__}()" for kind in BACKENDS.values())
        raise InputError(f"backend is {value!r}; give {accepted}, or None for the best that is present")
    return value


def backend_kind(name: str) -> type[Backend]:
    """Look up a backend by name.

    Raises:
        InputError: The name is not known.
    """
    if name not in BACKENDS:
        raise InputError(f"backend {name!r} is not known; choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]


def backend_from_name(
    name: str | None, precision: str | None = None, device: str | None = None
) -> Backend | None:
    """Return the backend for arguments of the command line.

    Args:
        name: A key of `BACKENDS`; None for OpenVINO if `precision` or `device` is given.
        precision: One of the backend's precisions; None for its default.
        device: The backend's name of a device; for TensorRT the number of a GPU, or several with
            commas; for Vulkan the number of one. None for its default.

    Returns:
        The backend's settings; None if no argument was given.

    Raises:
        InputError: The name, the precision or the device is not known.
    """
    if name is None and precision is None and device is None:
        return None
    kind = backend_kind(name or OpenVINO.name)
    settings: dict[str, Any] = {} if precision is None else {"precision": precision}
    if device is not None:
        settings["device"] = _device_from_text(device, kind, named=name is not None)
    return kind(**settings)


def _device_from_text(text: str, kind: type[Backend], *, named: bool) -> str | int | tuple[int, ...]:
    numbers = re.fullmatch(r"[0-9]{1,4}(,[0-9]{1,4})*", text)
    if not named and (numbers or text.startswith("cuda")):
        raise InputError(
            f"device {text!r} belongs to a GPU backend; name that as well: tensorrt, torch or vulkan"
        )
    if kind is Vulkan:
        if not re.fullmatch(r"[0-9]{1,4}", text):
            raise InputError(f"device {text!r} is not understood; give the number of a GPU, from 0")
        return int(text)
    if kind is TensorRT:
        if not numbers:
            raise InputError(
                f"device {text!r} is not understood; give the number of a GPU, or several as 0,1"
            )
        return tuple(int(number) for number in text.split(","))
    return f"cuda:{text}" if kind is Torch and numbers else text


def gpu_precision(precision: TensorRTPrecision, depth: int | None) -> GpuArithmetic:
    """Resolve a precision on a GPU for a depth.

    Args:
        precision: The user's choice; ``"auto"`` is resolved, others are returned.
        depth: Bits per sample that the precision has to keep; None for float.
    """
    if precision != "auto":
        return precision
    return "fp16" if depth is not None and depth <= _FP16_DEPTH else "fp32"


_FP16_DEPTH = 10


def _resolved(precision: TensorRTPrecision) -> GpuArithmetic:
    if precision == "auto":
        raise ValueError("precision is still 'auto'; resolve it for the network and depth first")
    return precision


def _check_size(name: str, size: object) -> None:
    if (
        not isinstance(size, tuple)
        or len(size) != 2
        or any(not isinstance(side, int) or side < 1 for side in size)
    ):
        raise InputError(f"{name} is {size!r}; give a width and a height, such as (1920, 1080)")


def _check_common(backend: Backend) -> None:
    if backend.precision not in backend.precisions:
        raise InputError(
            f"precision {backend.precision!r} is not known; choose one of {', '.join(backend.precisions)}"
        )
    if backend.lanes is not None and (type(backend.lanes) is not int or backend.lanes < 1):
        raise InputError(f"lanes is {backend.lanes!r}; give 1 or more, or None to choose automatically")


CORES_PER_LANE = 4
LANES_PER_GPU = 3


def lane_count(backend: Backend, max_lanes: int) -> int:
    """Return the number of frames in work at once: the backend's, or one that suits its device.

    A GPU computes one frame while others are copied in and out. A processor with many cores gets one
    lane per `CORES_PER_LANE` cores, as each lane holds a frame's activations (about 200 MB at 1080p output).
    """
    return max(1, min(backend.lanes or _automatic_lanes(backend), max_lanes))


def lane_rule(backend: Backend, max_lanes: int) -> str:
    """Give the reason for `lane_count`'s number in a few words, for the log."""
    wanted = backend.lanes or _automatic_lanes(backend)
    if wanted > max_lanes:
        return f"{wanted} lanes would exceed the threads or frames"
    if backend.lanes:
        return "as many lanes as requested"
    if isinstance(backend, OpenVINO):
        return f"a lane for every {CORES_PER_LANE} of {available_cores()} cores, and at least 2"
    return f"{LANES_PER_GPU} lanes per GPU"


def _automatic_lanes(backend: Backend) -> int:
    match backend:
        case OpenVINO():
            return max(2, available_cores() // CORES_PER_LANE)
        case TensorRT():
            return LANES_PER_GPU * len(backend.devices)
        case Torch() | Vulkan():
            return LANES_PER_GPU
