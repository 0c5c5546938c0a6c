"""Report which backends can run here, and describe the one in use."""

from dataclasses import dataclass

from vs_espcn.errors import BackendError, RuntimeMissingError
from vs_espcn.runtime.backends import BACKENDS, Backend, OpenVINO, TensorRT, Vulkan
from vs_espcn.runtime.default_backend import on_best_device, probe


@dataclass(frozen=True, kw_only=True)
class BackendReport:
    """Whether a backend can run here.

    Attributes:
        name: The backend's name on the command line.
        usable: True if ``backend=None`` may choose it.
        detail: Its devices and what ``precision="auto"`` means on them, or why it cannot run.
    """

    name: str
    usable: bool
    detail: str


def backend_reports() -> list[BackendReport]:
    """Report on every backend, the preferred one first: ``backend=None`` chooses the first usable one."""
    return [_report(kind()) for kind in BACKENDS.values()]


def _report(backend: Backend) -> BackendReport:
    try:
        return BackendReport(name=backend.name, usable=True, detail=probe(on_best_device(backend)))
    except BackendError as error:
        return BackendReport(name=backend.name, usable=False, detail=str(error))


def running_on(backend: Backend) -> str:
    """Name a backend, its device and its precision, for example ``openvino on CPU, fp32``.

    Args:
        backend: As `vs_espcn.runtime.precision.resolve` returns it.

    Raises:
        BackendError: OpenVINO or Vulkan has no such device here.
    """
    if isinstance(backend, OpenVINO):
        return f"openvino on {backend.device}, {_openvino_precision(backend)}"
    if isinstance(backend, TensorRT):
        return f"tensorrt on GPU {' and '.join(map(str, backend.devices))}, {backend.precision}"
    if isinstance(backend, Vulkan):
        return _running_on_vulkan(backend)
    return f"torch on {backend.device}, {backend.precision}"


def _running_on_vulkan(backend: Vulkan) -> str:
    from vs_espcn.runtime.vulkan_device import find_device, resolve_precision  # noqa: PLC0415 - loads the runtime

    device = find_device(backend.device)
    return f"vulkan on {device.name}, {resolve_precision(device, backend.precision)}"


def _openvino_precision(backend: OpenVINO) -> str:
    if backend.precision == "int8":
        return "int8"
    try:
        from vs_espcn.runtime.openvino import resolve_precision  # noqa: PLC0415 - loads the runtime

        return resolve_precision(backend.device, backend.precision)
    except RuntimeMissingError:  # vs-mlrt's plugin runs the network, in fp32 by default
        return "fp32" if backend.precision == "auto" else backend.precision
