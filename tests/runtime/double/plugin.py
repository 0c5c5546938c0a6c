"""pytest plugin of the child process: TensorRT-RTX is the fake, TensorRT is not installed."""

import sys

import pytest

from tests.runtime.double import driver, fake_tensorrt
from vs_espcn.runtime import cuda

sys.modules["tensorrt_rtx"] = fake_tensorrt.module("tensorrt_rtx")
sys.modules["tensorrt"] = None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _double() -> None:
    """Every test begins with a GPU in order."""
    fake_tensorrt.faults.clear()
    cuda.open_device.cache_clear()  # the next may be told to be another one
    gpus = {"driver": 13000, "devices": 2, "major": 8, "minor": 9, "minor1": -1, "free": 1 << 33}
    faults = {"mig": 0, "exclusive": 0, "fail_in": 0, "fail_code": 700, "fail_alloc_in": 0, "fail_capture": 0}
    for name, value in (gpus | faults).items():
        driver.set_(name, value)
