"""What can run here, for ``vs-espcn info``."""

import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vs_espcn.errors import BackendError
from vs_espcn.runtime.base import BACKENDS, Backend, available_cores
from vs_espcn.runtime.choice import probe

PACKAGES = (
    "vs-espcn",
    "vapoursynth",
    "vapoursynth-bestsource",
    "numpy",
    "onnx",
    "openvino",
    "torch",
    "cuda-bindings",
    "tensorrt-cu13",
    "tensorrt-rtx-cu13",
    "vapoursynth-mlrt-ov",
    "vapoursynth-mlrt-ort",
    "opencv-python-headless",
    "vapoursynth-mlrt-trt-rtx",
)

_MATTERS = re.compile(
    r"avx2|fma|avx512f|avx512_vnni|avx_vnni|avx512_bf16"
    r"|avx512_fp16|amx_\w+|asimd|bf16|i8mm|sve"
)


@dataclass(frozen=True, kw_only=True)
class BackendReport:
    """Whether a backend can run here.

    Attributes:
        name: The backend's name on the command line.
        usable: Whether ``backend=None`` may pick it.
        detail: Its devices and what ``precision="auto"`` means on them, or why it is out.
    """

    name: str
    usable: bool
    detail: str


def package_versions() -> dict[str, str]:
    """Versions of the packages that matter here; "not installed" where one is absent."""
    return {name: _version(name) for name in PACKAGES}


def processor() -> str:
    """The processor's name and the number of its cores that may be used here."""
    cpuinfo = Path("/proc/cpuinfo")
    named = (
        re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read_text(), re.MULTILINE)
        if cpuinfo.is_file()
        else None
    )
    return f"{named[1] if named else platform.processor() or platform.machine()}, {available_cores()} cores"


def instruction_sets() -> list[str]:
    """The processor's instruction sets that matter to a network; empty where the system doesn't list them."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    return [flag for flag in flags[1].split() if _MATTERS.fullmatch(flag)] if flags else []


def backend_reports() -> list[BackendReport]:
    """Every backend, the preferred one first: ``backend=None`` picks the first that is usable."""
    return [_report(kind()) for kind in BACKENDS.values()]


def _report(backend: Backend) -> BackendReport:
    try:
        return BackendReport(name=backend.name, usable=True, detail=probe(backend))
    except BackendError as error:
        return BackendReport(name=backend.name, usable=False, detail=str(error))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
