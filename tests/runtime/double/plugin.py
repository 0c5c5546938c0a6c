"""pytest plugin of the child process: TensorRT-RTX is the fake, TensorRT is not installed."""

import sys

import pytest

from tests.runtime.double import driver, fake_tensorrt

sys.modules["tensorrt_rtx"] = fake_tensorrt.module("tensorrt_rtx")
sys.modules["tensorrt"] = None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _double() -> None:
    """Every test begins with a GPU in order."""
    fake_tensorrt.faults.clear()
    defaults = {"driver": 13000, "devices": 2, "major": 8, "minor": 9, "free": 1 << 33}
    for name, value in (defaults | {"fail_in": 0, "fail_capture": 0}).items():
        driver.set_(name, value)
