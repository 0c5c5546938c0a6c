"""What is said of the machine, by files that are made up."""

import os
from pathlib import Path

import pytest

from vs_espcn.runtime import hardware

X86 = (
    "processor\t: 0\nmodel name\t: Toaster 3000 @ 2.60GHz\nflags\t\t: fpu avx2 fma avx512_vnni sse4_2 bf16x\n"
)
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm crc32\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(hardware, "Path", lambda _: path)
    return path


@pytest.mark.parametrize(
    ("text", "sets"),
    [(X86, ["avx2", "fma", "avx512_vnni"]), (ARM, ["asimd", "bf16", "i8mm"]), ("processor: 0\n", [])],
)
def test_instruction_sets(cpuinfo: Path, text: str, sets: list[str]) -> None:
    cpuinfo.write_text(text)
    assert hardware.instruction_sets() == sets


def test_a_system_that_does_not_list_them(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cpuinfo.exists()
    assert hardware.instruction_sets() == []
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert hardware.processor().startswith("arm64, ")
    monkeypatch.setattr("platform.processor", lambda: "M9")
    assert hardware.processor().startswith("M9, ")


def test_the_processor_is_named_with_its_cores(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo.write_text(X86)
    monkeypatch.setattr(hardware, "available_cores", lambda: 3)
    assert hardware.processor() == "Toaster 3000 @ 2.60GHz, 3 cores"


def test_cores_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
        assert hardware.available_cores() == 3
        monkeypatch.delattr(os, "sched_getaffinity")
    for count, cores in ((7, 7), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert hardware.available_cores() == cores


def test_a_package_that_is_absent_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "PACKAGES", ("numpy", "no-such-package"))
    versions = hardware.package_versions()
    assert versions["no-such-package"] == "not installed"
    assert versions["numpy"][0].isdigit()
