"""Which form of a network a backend's precision asks for."""

from onnx import ModelProto

from vs_espcn.errors import InputError
from vs_espcn.models import ModelSpec, in_int8, is_int8, load_network
from vs_espcn.runtime.base import Backend, OpenVINO


def network_for(spec: ModelSpec, backend: Backend) -> ModelProto:
    """Read a network, in 8-bit integers where the backend's precision asks for that.

    Args:
        spec: A shipped network or a user's file, of floats or already of int8.
        backend: Where it is to run.

    Raises:
        InputError: The network cannot be read or has no form in this precision.
    """
    network = load_network(spec.path)
    if is_int8(network):
        _check_runs_in_int8(spec, backend)
        return network
    if backend.precision not in {"int8", "fast"}:
        return network
    if (quantized := in_int8(spec)) is not None:
        return load_network(quantized.path)
    if backend.precision == "fast":
        return network
    raise InputError(
        f"precision is 'int8', and {spec.path.name} has no int8 form: use precision='auto', or train one "
        "(vs-espcn train --network espcn-int8 --init-from FILE.onnx) and give its file as the network"
    )


def _check_runs_in_int8(spec: ModelSpec, backend: Backend) -> None:
    if not isinstance(backend, OpenVINO):
        raise InputError(f"{spec.path.name} is an int8 network; those run on openvino, not {backend.name}")
    if backend.precision in {"fp32", "bf16"}:
        raise InputError(
            f"{spec.path.name} is an int8 network, and precision is {backend.precision!r}; "
            "use precision='auto', or the network that it was made from"
        )
