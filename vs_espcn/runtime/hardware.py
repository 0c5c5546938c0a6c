"""Describe the machine: processor, instruction sets, cores and installed packages."""

import os
import platform
import re
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
    """Return the versions of `PACKAGES`; "not installed" for missing ones."""
    return {name: _version(name) for name in PACKAGES}


def processor() -> str:
    """Return the processor's name and the number of cores that this process may use."""
    cpuinfo = Path("/proc/cpuinfo")
    named = (
        re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read_text(), re.MULTILINE)
        if cpuinfo.is_file()
        else None
    )
    return f"{named[1] if named else platform.processor() or platform.machine()}, {available_cores()} cores"


def instruction_sets() -> list[str]:
    """List the processor's instruction sets that matter to a network; empty if the system doesn't tell."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    return [flag for flag in flags[1].split() if _MATTERS.fullmatch(flag)] if flags else []


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
