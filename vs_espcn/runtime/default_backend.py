"""Choose the backend for ``backend=None``, and log why."""

import logging
from functools import cache

from vs_espcn.errors import BackendError, RuntimeMissingError
from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch, Vulkan

_log = logging.getLogger(__name__)


@cache
def best_backend() -> Backend:
    """Return the first GPU backend that can run here, else OpenVINO on the CPU.

    In the latter case a log line says why the others cannot run. It is a warning if
    an NVIDIA driver and a backend's libraries are installed, which was then meant to run.
    """
    reasons: dict[str, list[str]] = {}
    level = logging.INFO
    for backend in (TensorRT(), Torch(), Vulkan()):
        try:
            chosen = on_best_device(backend)
            probe(chosen)
            _take(chosen)
        except BackendError as error:
            reasons.setdefault(str(error), []).append(backend.name)
            if not isinstance(error, RuntimeMissingError):
                level = logging.WARNING
        else:
            return chosen
    why = "; ".join(f"{' and '.join(names)}: {reason}" for reason, names in reasons.items())
    _log.log(level, "running on the CPU with openvino, as these cannot run: %s", why)
    return OpenVINO()


def _take(backend: Backend) -> None:
    """Check that this process can use an NVIDIA GPU; the engine later uses the context that this creates."""
    if not isinstance(backend, TensorRT | Torch):
        return
    from vs_espcn.runtime import cuda  # noqa: PLC0415 - loads the driver

    index = backend.index if isinstance(backend, Torch) else backend.devices[0]
    cuda.open_device(index).make_current()


def probe(backend: Backend) -> str:
    """Check cheaply whether a backend can run here.

    Returns:
        Its devices and their libraries or precisions, in a few words.

    Raises:
        RuntimeMissingError: Its libraries are not installed.
        BackendError: There is no device for it.
    """
    match backend:
        case OpenVINO():
            return _probe_openvino()
        case TensorRT():
            return _probe_tensorrt(backend)
        case Torch():
            return _probe_torch(backend)
        case Vulkan():
            return _probe_vulkan(backend)


def on_best_device(backend: Backend) -> Backend:
    """Choose the device for a backend that is not told one: of Vulkan's, the first may be software.

    Raises:
        RuntimeMissingError: Vulkan is not installed, or has no GPU.
    """
    if not isinstance(backend, Vulkan):
        return backend
    from vs_espcn.runtime.vulkan_device import find_gpu  # noqa: PLC0415 - loads the runtime

    return Vulkan(device=find_gpu().index)


def _probe_vulkan(backend: Vulkan) -> str:
    from vs_espcn.runtime import vulkan_device  # noqa: PLC0415 - loads the runtime

    vulkan_device.find_device(backend.device)
    return ", ".join(
        f"{device.label}, {'fp16' if vulkan_device.has_fp16(device.index) else 'fp32'}"
        for device in vulkan_device.devices()
    )


def _probe_openvino() -> str:
    from vs_espcn.runtime.openvino import devices, resolve_precision  # noqa: PLC0415 - loads the runtime

    names = devices()
    if not names:
        raise BackendError("no device was found")
    return ", ".join(f"{name} ({names[name]}, {resolve_precision(name, 'auto')})" for name in names)


def _probe_tensorrt(backend: TensorRT) -> str:
    # Loads the driver, and TensorRT only if there is a GPU.
    from vs_espcn.runtime.tensorrt import api as tensorrt_api  # noqa: PLC0415

    details = []
    for index in backend.devices:
        device = tensorrt_api.open_gpu(index)
        api = tensorrt_api.api_for(backend.flavour, device)
        details.append(f"GPU {index} ({device.name}, {device.capability}, {api.flavour} {api.version})")
    return ", ".join(details)


def _probe_torch(backend: Torch) -> str:
    # Loads the driver, and PyTorch only if there is a GPU.
    from vs_espcn.runtime import cuda  # noqa: PLC0415

    device = cuda.open_device(backend.index)
    from vs_espcn.runtime import torch  # noqa: PLC0415

    torch.check_usable()
    return f"GPU {backend.index} ({device.name}, {device.capability}, PyTorch {torch.version()})"
