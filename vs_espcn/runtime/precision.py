"""Resolve a backend's precision for a network, and choose the network's float or int8 form."""

import hashlib
import platform
from dataclasses import dataclass, replace

from onnx import ModelProto

from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks.bfloat16 import has_bf16_weights, is_close_in_bf16
from vs_espcn.networks.registry import ModelSpec, in_int8, is_int8, load_network, shipped
from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch, Vulkan, gpu_precision
from vs_espcn.runtime.hardware import instruction_sets

_EXACT = {"avx512_vnni", "avx_vnni", "amx_int8"}
"""The x86 instruction sets that add 8-bit products in 32 bits."""


@dataclass(frozen=True, kw_only=True)
class ResolvedNetwork:
    """A network and the settings with which it runs.

    Attributes:
        scale: The network's scale.
        network: The form of the network that runs.
        backend: Where it runs, with a precision from `resolved_backend`.
    """

    scale: int
    network: ModelProto
    backend: Backend


def resolve(spec: ModelSpec, backend: Backend, depth: int | None) -> ResolvedNetwork:
    """Read the form of a network that a backend runs, and resolve the precision for it.

    Args:
        spec: A shipped network or a user's file.
        backend: Where to run it.
        depth: Bits per sample that ``precision="auto"`` has to keep; None for floats.

    Raises:
        InputError: As from `form_for`.
        BackendError: As from `form_for`.
    """
    network = network_for(spec, backend)
    resolved = resolved_backend(backend, network, depth)
    if resolved.precision == "auto" and not _is_proven(spec, network):
        resolved = replace(resolved, precision="fp32")
    return ResolvedNetwork(scale=spec.scale, network=network, backend=resolved)


def resolved_backend(backend: Backend, network: ModelProto, depth: int | None) -> Backend:
    """Resolve a backend's precision for a network and a depth.

    Args:
        backend: Where to run the network.
        network: A network, or a graph built from one.
        depth: Bits per sample that ``precision="auto"`` has to keep; None for floats.

    Returns:
        The backend. On an NVIDIA GPU its precision is now fp32, fp16 or int8. On OpenVINO
        it is int8, fp32 or bf16, or still ``"auto"`` if bf16 may be accurate enough, as
        only the opened device tells whether it has bf16. Vulkan does likewise with fp16,
        which rounds less.
    """
    if isinstance(backend, Vulkan):
        return replace(backend, precision="fp32") if backend.precision == "auto" and depth != 8 else backend
    if is_int8(network) and not isinstance(backend, Torch):
        return replace(backend, precision="int8")
    if not isinstance(backend, OpenVINO):
        precision = gpu_precision(backend.precision, depth)
        return replace(backend, precision=precision)  # type: ignore[arg-type]
    if backend.precision in {"auto", "fast"}:
        return replace(backend, precision="auto" if bears_bf16(network, depth) else "fp32")
    return backend


def network_for(spec: ModelSpec, backend: Backend) -> ModelProto:
    """Read the form of a network that a backend runs.

    Raises:
        InputError: As from `form_for`.
        BackendError: As from `form_for`.
    """
    return load_network(form_for(spec, backend).path)


def form_for(spec: ModelSpec, backend: Backend) -> ModelSpec:
    """Choose the form of a network that a backend runs: int8 if the backend's precision says so.

    Args:
        spec: A shipped network or a user's file, in float or in int8.
        backend: Where to run it.

    Raises:
        InputError: The network cannot be read, has no int8 form, or is one that the backend cannot run.
        BackendError: The processor cannot compute in int8.
    """
    if is_int8(load_network(spec.path)):
        _check_runs_in_int8(spec, backend)
        return spec
    if backend.precision not in {"int8", "fast"}:
        return spec
    quantized = in_int8(spec)
    if backend.precision == "fast" and not (quantized and _sums_are_exact(backend)):
        return spec
    if quantized:
        _check_runs_in_int8(quantized, backend)
        return quantized
    raise InputError(
        f"precision is 'int8', but {spec.path.name} has no int8 form: use precision='auto', or train one "
        f"from a network of vs-espcn train (--network NAME-int8 --init-from {spec.path.name}) "
        "and give its file as the network"
    )


def bears_bf16(network: ModelProto, depth: int | None) -> bool:
    """Tell whether bf16 may be accurate enough: at 8 bits, with weights that it holds exactly.

    At 10 bits the error would be four codes.

    Args:
        network: A network, or a graph built from one.
        depth: Bits per sample; None for floats.
    """
    return depth == 8 and has_bf16_weights(network)


def _is_proven(spec: ModelSpec, network: ModelProto) -> bool:
    """Tell whether bf16, and so fp16, was found accurate enough; tests ensure it for shipped networks."""
    if spec in shipped():
        return True
    digest = hashlib.sha256(network.SerializeToString(deterministic=True)).hexdigest()
    if digest not in _proven:
        _proven[digest] = is_close_in_bf16(network)
    return _proven[digest]


_proven: dict[str, bool] = {}
"""The networks compared so far in this process, by digest."""


def _check_runs_in_int8(spec: ModelSpec, backend: Backend) -> None:
    if not isinstance(backend, OpenVINO | TensorRT):
        raise InputError(
            f"{spec.path.name} is an int8 network; those run on openvino and tensorrt, not {backend.name}"
        )
    if backend.precision in {"fp32", "fp16", "bf16"}:
        raise InputError(
            f"{spec.path.name} is an int8 network, but precision is {backend.precision!r}; "
            "use precision='auto', or the network that it was made from"
        )
    if not _sums_are_exact(backend):
        raise BackendError(
            "this processor is not known to have VNNI, without which sums of 8-bit products overflow; "
            "use precision='auto'"
        )


def _sums_are_exact(backend: Backend) -> bool:
    """Tell whether int8 sums are exact: x86 without VNNI adds pairs of products in saturating 16 bits."""
    if not isinstance(backend, OpenVINO):
        return True
    device = backend.device
    elsewhere = device.startswith(("GPU", "NPU"))  # AUTO and similar devices may use the processor
    on_x86 = not elsewhere and platform.machine() in {"x86_64", "AMD64"}
    return not on_x86 or not _EXACT.isdisjoint(instruction_sets())
