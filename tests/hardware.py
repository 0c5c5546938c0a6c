"""What this machine's processor can do, asked of the system and not of the code under test."""

import platform
import re
from functools import cache
from pathlib import Path

import pytest

from vs_espcn.errors import BackendError


def _flags() -> frozenset[str]:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return frozenset(found[1].split()) if found else frozenset()


FLAGS = _flags()
IS_X86 = platform.machine() in {"x86_64", "AMD64"}
HAS_EXACT_INT8 = not IS_X86 or not FLAGS.isdisjoint({"avx512_vnni", "avx_vnni", "amx_int8"})
HAS_BF16 = not FLAGS.isdisjoint({"avx512_bf16", "amx_bf16"})


@cache
def why_no_vulkan() -> str | None:
    """Why Vulkan's tests are skipped; None where there is a device, be it in software."""
    try:
        from vs_espcn.runtime.vulkan_device import find_device  # noqa: PLC0415 - loads the runtime

        find_device(0)
    except BackendError as error:
        return str(error)
    return None


needs_exact_int8 = pytest.mark.skipif(
    not HAS_EXACT_INT8, reason="the processor adds 8-bit products in 16 bits (no VNNI)"
)
needs_bf16 = pytest.mark.skipif(not HAS_BF16, reason="the processor has no bf16 arithmetic")
