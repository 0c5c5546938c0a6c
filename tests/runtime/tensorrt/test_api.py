"""The package runs against a fake of TensorRT on the double; here the fake is held against the real ones.

``tests/data/tensorrt_api.json`` holds what each version has; scripts/dev/tensorrt_api_table.py wrote it.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.double import fake_tensorrt
from vs_espcn.errors import RuntimeMissingError
from vs_espcn.runtime.tensorrt import api as tensorrt_api

TABLE: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "tensorrt_api.json").read_text()
)
CLASSES = {
    name: value
    for name, value in vars(fake_tensorrt).items()
    if inspect.isclass(value) and value.__module__ == fake_tensorrt.__name__
}
ONLY_RTX = {
    "ComputeCapability": None,
    "EngineValidity": None,
    "EngineInvalidityDiagnostics": None,
    "DynamicShapesKernelSpecializationStrategy": None,
    "IRuntimeCache": None,
    "IRuntimeConfig": {
        "create_runtime_cache",
        "set_runtime_cache",
        "dynamic_shapes_kernel_specialization_strategy",
    },
    "IBuilderConfig": {"num_compute_capabilities", "set_compute_capability"},
    "Runtime": {"get_engine_validity"},
    "IExecutionContext": {"is_stream_capturable"},
}
"""What `tensorrt_api` looks for before it is used: whole classes, or members."""


def is_optional(name: str, member: str | None = None) -> bool:
    if name not in ONLY_RTX:
        return False
    members = ONLY_RTX[name]
    return members is None or member in members


def parameters(signature: str) -> list[str]:
    """Names of the parameters after self."""
    inside = signature[signature.index("(") + 1 : signature.rindex(")")]
    return re.findall(r"(\w+): ", inside)[1:]


@pytest.mark.parametrize("version", TABLE)
class TestEveryVersion:
    def test_has_every_class_and_member(self, version: str) -> None:
        rtx = "rtx" in version
        for name, fake in CLASSES.items():
            if is_optional(name) and not rtx:
                assert (name in TABLE[version]) == (ONLY_RTX[name] is not None)
            if name not in TABLE[version]:
                assert is_optional(name)
                assert not rtx
                continue
            for member in vars(fake):
                if not member.startswith("_"):
                    expected = rtx or not is_optional(name, member)
                    assert (member in TABLE[version][name]) == expected, f"{name}.{member}"

    def test_takes_every_argument_that_is_given(self, version: str) -> None:
        for name, fake in CLASSES.items():
            for member, function in vars(fake).items():
                if not inspect.isfunction(function) or member not in TABLE[version].get(name, {}):
                    continue
                given = [*inspect.signature(function).parameters][1:]
                overloads = [parameters(each) for each in TABLE[version][name][member] if "*args" not in each]
                assert any(given == overload[: len(given)] for overload in overloads) or (
                    member == "__init__" and name in {"ICudaEngine", "IExecutionContext"}
                ), f"{name}.{member}{given} is not one of {overloads}"


def test_the_installed_one_is_as_written_down() -> None:
    try:
        api = tensorrt_api.load_api("tensorrt_rtx")
    except RuntimeMissingError as error:
        pytest.skip(str(error))
    for name, fake in CLASSES.items():
        real = getattr(api.module, name)
        for member in vars(fake):
            if not member.startswith("_"):
                assert hasattr(real, member), f"{name}.{member}"


@pytest.mark.parametrize(("flavour", "targets"), [("tensorrt", False), ("tensorrt_rtx", True)])
def test_features_are_found(flavour: str, targets: bool) -> None:
    api = tensorrt_api.TensorRTApi(fake_tensorrt.module(flavour), flavour)
    assert (api.targets is not None) == targets
    if targets:
        assert "8.9" in api.targets
        assert "12.0" in api.targets
    else:
        api.check_target("9.0")  # what it does not say, it is asked when it builds
        api.set_target(None, "9.0")
        assert api.refusal(api.module.Runtime(api.logger), b"") is None
    assert api.network_flags == 1


def test_messages_reach_our_log_and_errors_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    api = tensorrt_api.TensorRTApi(fake_tensorrt.module("tensorrt"), "tensorrt")
    caplog.set_level("DEBUG")
    api.logger.log(api.module.ILogger.VERBOSE, "a detail")
    api.logger.log(api.module.ILogger.ERROR, "a fault")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "a detail"),
        ("INFO", "a fault"),
    ]
    assert str(api.failure("failed")) == "tensorrt 0.double failed: a fault"
