"""The package runs against a fake of TensorRT on the double; here the fake is held against the real ones.

``tests/data/tensorrt_api.json`` holds what each version has; scripts/dev/tensorrt_api_table.py wrote it.
"""

import inspect
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.double import fake_tensorrt
from vs_espcn.errors import BackendError, RuntimeMissingError
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
    "BuilderFlag": {"REQUIRE_USER_ALLOCATION"},
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
        assert api.refusal(object(), b"") is None
    assert api.network_flags == 1


@pytest.fixture
def api() -> tensorrt_api.TensorRTApi:
    return tensorrt_api.TensorRTApi(fake_tensorrt.module("tensorrt"), "tensorrt")


def failing(api: tensorrt_api.TensorRTApi, *texts: str, on_own_threads: bool = False) -> str:
    """What is said of a call that fails after TensorRT has said something, on a thread of its own or not."""

    def function() -> bool:
        for text in texts:
            said = threading.Thread(target=api.messages.logger.log, args=(api.module.ILogger.ERROR, text))
            said.run() if not on_own_threads else (said.start(), said.join())
        return False

    with pytest.raises(BackendError) as caught:
        api.checked("failed", function)
    return str(caught.value).removeprefix("tensorrt 0.double failed: ")


class TestMessages:
    def test_they_reach_our_log_when_the_call_is_back(
        self, api: tensorrt_api.TensorRTApi, caplog: pytest.LogCaptureFixture
    ) -> None:
        """On the thread that called: none of TensorRT's waits for a handler."""
        caplog.set_level("DEBUG")
        seen = []

        def function() -> bool:
            api.messages.logger.log(api.module.ILogger.VERBOSE, "a detail")
            api.messages.logger.log(api.module.ILogger.ERROR, "a fault")
            seen.extend(caplog.records)
            return True

        assert api.checked("failed", function)
        assert not seen
        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
            ("DEBUG", "a detail"),
            ("INFO", "a fault"),
        ]

    def test_an_error_belongs_to_the_call_that_it_was_said_in(self, api: tensorrt_api.TensorRTApi) -> None:
        assert failing(api, "a first", "a second") == "a second"
        assert failing(api, "Error Code 1: Cuda Runtime (out of memory)", "a second").startswith("Error")
        assert failing(api) == "no reason given"
        assert failing(api, "of a worker", on_own_threads=True) == "of a worker"
        assert failing(api) == "no reason given"

    def test_lanes_do_not_take_each_others_errors(self, api: tensorrt_api.TensorRTApi) -> None:
        both = threading.Barrier(2, timeout=60)

        def lane(name: str) -> str:
            def function() -> bool:
                both.wait()
                api.messages.logger.log(api.module.ILogger.ERROR, name)
                both.wait()
                return False

            with pytest.raises(BackendError) as caught:
                api.checked("failed", function)
            return str(caught.value)

        with ThreadPoolExecutor(2) as pool:
            for _ in range(20):
                said = [*pool.map(lane, ["first", "second"])]
                assert said == [f"tensorrt 0.double failed: {name}" for name in ("first", "second")]


@pytest.mark.parametrize("capability", ["6.1", "7.0", "7.2"])
def test_a_gpu_that_full_tensorrt_left_behind_goes_to_another_backend(
    api: tensorrt_api.TensorRTApi, capability: str
) -> None:
    with pytest.raises(
        BackendError,
        match=rf"not support GPUs of compute capability {capability}, only 7\.5 and newer; use the",
    ):
        api.check_target(capability)
    for newer in ("7.5", "9.0", "12.1"):
        api.check_target(newer)
