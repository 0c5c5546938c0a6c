"""The machine: its processor, instruction sets, cores, and the packages that are installed."""

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    "ncnn",
    "vapoursynth-mlrt-ov",
    "vapoursynth-mlrt-ort",
    "vapoursynth-mlrt-ncnn",
    "opencv-python-headless",
    "vapoursynth-mlrt-trt-rtx",
)

_MATTERS = re.compile(
    r"avx2|fma|avx512f|avx512_vnni|avx_vnni|avx512_bf16"
    r"|avx512_fp16|amx_\w+|asimd|bf16|i8mm|sve"
)


def package_versions() -> dict[str, str]:
    """Versions of the packages that matter here; "not installed" where one is absent."""
    return {name: _version(name) for name in PACKAGES}


def processor() -> str:
    """The processor's name and the number of its cores that may be used here."""
    named = re.search(r"^model name\s*:\s*(.*)$", _cpuinfo(), re.MULTILINE)
    return f"{named[1] if named else platform.processor() or platform.machine()}, {available_cores()} cores"


def instruction_sets() -> list[str]:
    """The processor's instruction sets that matter to a network; empty where the system doesn't list them."""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", _cpuinfo(), re.MULTILINE)
    return [flag for flag in flags[1].split() if _MATTERS.fullmatch(flag)] if flags else []


def available_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpuinfo() -> str:
    """Linux's description of the processor; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text() if sys.platform == "linux" and path.is_file() else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
