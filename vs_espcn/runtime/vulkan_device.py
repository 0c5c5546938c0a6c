"""Vulkan's devices, as ncnn finds them."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vs_espcn.errors import BackendError, RuntimeMissingError, extra_hint

try:
    import ncnn
except ImportError as error:
    raise RuntimeMissingError(f"cannot import ncnn: {error}; {extra_hint('vulkan')}") from error

_log = logging.getLogger(__name__)

_KINDS = ("discrete GPU", "integrated GPU", "virtual GPU", "software")
_SOFTWARE = 3


@dataclass(frozen=True, kw_only=True)
class VulkanDevice:
    """One device.

    Attributes:
        index: Its number, as in ``vs_espcn.Vulkan(device=…)``.
        name: What its driver calls it.
        kind: Discrete, integrated or virtual GPU, or a driver in software.
    """

    index: int
    name: str
    kind: str

    @property
    def is_software(self) -> bool:
        """True if the processor computes."""
        return self.kind == _KINDS[_SOFTWARE]

    @property
    def label(self) -> str:
        """Number, name and kind, for messages."""
        return f"device {self.index} ({self.name}, {self.kind})"


@cache
def devices() -> tuple[VulkanDevice, ...]:
    """Vulkan's devices here; empty without a loader or a driver."""
    with _told_in_the_log():
        ncnn.create_gpu_instance()
    found = []
    for index in range(ncnn.get_gpu_count()):
        info = ncnn.get_gpu_info(index)
        kind = min(info.type(), _SOFTWARE)
        found.append(VulkanDevice(index=index, name=info.device_name(), kind=_KINDS[kind]))
    return tuple(found)


@contextmanager
def _told_in_the_log() -> Iterator[None]:
    """Have what ncnn writes to stderr, a few lines a device, in the log at its lowest level instead."""
    try:
        sys.stderr.flush()
        stderr = os.dup(2)
    except (AttributeError, OSError):  # a program without a console has no stderr
        yield
        return
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        told.seek(0)
        for line in told.read().decode(errors="replace").splitlines():
            _log.debug("ncnn: %s", line)


def find_device(index: int | None) -> VulkanDevice:
    """Look up a device.

    Args:
        index: Its number; None for the first discrete GPU, else the first GPU of another kind.

    Raises:
        RuntimeMissingError: There is no Vulkan driver here, or none but of software and no number is given.
        BackendError: There is no device of this number.
    """
    present = devices()
    if not present:
        raise RuntimeMissingError(
            "no Vulkan device was found; install the GPU's driver (on Linux mesa-vulkan-drivers "
            "and libvulkan1, or NVIDIA's), or use the backend 'openvino'"
        )
    if index is None:
        return _first_gpu(present)
    if index >= len(present):
        raise BackendError(
            f"Vulkan has no device {index}; present are {', '.join(device.label for device in present)}"
        )
    return present[index]


def _first_gpu(present: Sequence[VulkanDevice]) -> VulkanDevice:
    gpus = [device for device in present if not device.is_software]
    if not gpus:
        raise RuntimeMissingError(
            f"Vulkan has no GPU: {present[0].label} computes on the processor and is used only if it is "
            "named, by vs_espcn.Vulkan(device=0) or --backend vulkan --device 0"
        )
    return min(gpus, key=lambda device: _KINDS.index(device.kind))


def free_memory(device: VulkanDevice) -> int:
    """Bytes of a device's memory that may be taken."""
    return int(ncnn.get_gpu_device(device.index).get_heap_budget()) << 20


@cache
def has_fp16(index: int) -> bool:
    """Whether a device computes in fp16 if that is asked for; ncnn itself takes fp32 silently."""
    beyond_fp16 = np.full((1, 8, 8), 1 + 2**-12, np.float32)
    net = make_net(index, fp16=True)
    net.load_param_mem("7767517\n2 2\nInput in 0 1 a 0=8 1=8 2=1\nBinaryOp op 1 1 a b 0=2 1=1 2=1.0\n")
    net.load_model_mem(bytes(4))
    with net.create_extractor() as extractor:
        extractor.input("a", as_mat(beyond_fp16))
        _, result = extractor.extract("b")
        return not np.array_equal(np.array(result), beyond_fp16)


def resolve_precision(device: VulkanDevice, precision: str) -> str:
    """Return the arithmetic on a device: as told, or for ``"auto"`` fp16 if the device has it, else fp32.

    Raises:
        BackendError: It has no fp16, and that was asked for.
    """
    if precision == "fp32":
        return precision
    if has_fp16(device.index):
        return "fp16"
    if precision == "fp16":
        raise BackendError(f"Vulkan's {device.label} has no fp16; use precision='auto' or 'fp32'")
    return "fp32"


def make_net(index: int, *, fp16: bool) -> ncnn.Net:
    """Make an empty network of ncnn.

    Args:
        index: Number of the device.
        fp16: Whether weights and activations are stored in fp16; sums are float32 in
            any case, as those of fp16 err by more than a code in nearly all networks.
    """
    net = ncnn.Net()
    net.opt.use_vulkan_compute = True
    net.opt.num_threads = 1
    net.opt.use_bf16_storage = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = fp16
    net.opt.use_fp16_arithmetic = False
    net.set_vulkan_device(index)
    return net


def as_mat(values: NDArray[np.float32]) -> ncnn.Mat:
    """View an array (channels, height, width) as ncnn does; it must live as long as that is used."""
    return ncnn.Mat(values)
