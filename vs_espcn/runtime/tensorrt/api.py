"""What differs between TensorRT's flavours and versions, found by looking for features.

Everything else that is called on TensorRT is the same in all of them.
"""

import logging
import re
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from vs_espcn.errors import BackendError, InputError, RuntimeMissingError, extra_hint
from vs_espcn.runtime.backends import Flavour

_log = logging.getLogger(__name__)

EXTRAS = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}
"""Flavours, the preferred first, which are also the names of their modules; and what installs each."""


class TensorRTApi:
    """One flavour of TensorRT, as installed.

    Attributes:
        module: The library itself.
        flavour: Its name.
        version: Its exact version.
        logger: Passes what the library says to `logging`, and keeps its last error.
    """

    def __init__(self, module: ModuleType, flavour: str) -> None:
        """Take over an imported module."""
        self.module = module
        self.flavour = flavour
        self.version: str = module.__version__
        self.logger = _make_logger(module)

    def failure(self, what: str) -> BackendError:
        """An error that says what failed and what TensorRT last said about it."""
        reason, self.logger.last_error = self.logger.last_error, ""
        return BackendError(f"{self.flavour} {self.version} {what}: {reason or 'no reason given'}")

    @property
    def network_flags(self) -> int:
        """Flags for a network whose types are those of its graph."""
        return 1 << int(self.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)

    @property
    def targets(self) -> dict[str, Any] | None:
        """GPUs that a plan can be built for, by compute capability; None if it is always the one present."""
        kinds = getattr(self.module, "ComputeCapability", None)
        if kinds is None:
            return None
        names = {name: re.fullmatch(r"SM(\d+)(\d)", name) for name in kinds.__members__}
        return {f"{match[1]}.{match[2]}": kinds.__members__[name] for name, match in names.items() if match}

    @property
    def compiles_late(self) -> bool:
        """Whether kernels are compiled when a context is made, and can be kept."""
        return hasattr(self.module, "IRuntimeCache")

    def check_target(self, capability: str) -> None:
        """Let a GPU that this library supports pass.

        Raises:
            BackendError: The library is known not to support it.
        """
        if self.targets is not None and capability not in self.targets:
            raise BackendError(
                f"{self.flavour} {self.version} does not support GPUs of compute capability {capability}, "
                f"only {', '.join(self.targets)}; use flavour='tensorrt' (extra tensorrt), "
                "or the backend 'torch'"
            )

    def set_target(self, config: Any, capability: str) -> None:  # noqa: ANN401 - TensorRT has no types
        """Have a plan built for a GPU that need not be present.

        Raises:
            BackendError: The library does not support it.
        """
        self.check_target(capability)
        if self.targets is None:
            return
        config.num_compute_capabilities = 1
        if not config.set_compute_capability(self.targets[capability], 0):
            raise self.failure(f"cannot build for compute capability {capability}")

    def refusal(self, runtime: Any, plan: bytes) -> str | None:  # noqa: ANN401 - TensorRT has no types
        """Why a plan cannot be loaded here; None if nothing is known against it."""
        if not hasattr(runtime, "get_engine_validity"):
            return None
        validity, diagnostics = runtime.get_engine_validity(plan)
        if validity != self.module.EngineValidity.INVALID:
            return None
        kinds = self.module.EngineInvalidityDiagnostics.__members__
        reasons = [name for name, value in kinds.items() if int(diagnostics) & int(value)]
        return f"{self.flavour} refuses the plan ({', '.join(reasons) or 'no reason given'})"

    def can_be_recorded(self, context: Any, stream: int) -> bool:  # noqa: ANN401 - TensorRT has no types
        """Whether a context's work may be recorded as a CUDA graph."""
        return not hasattr(context, "is_stream_capturable") or context.is_stream_capturable(stream)


@cache
def load_api(flavour: str) -> TensorRTApi:
    """Import one flavour.

    Args:
        flavour: A key of `EXTRAS`.

    Raises:
        RuntimeMissingError: It is not installed, or its libraries are not.
    """
    try:
        module = import_module(flavour)
    except (ImportError, OSError) as error:
        raise RuntimeMissingError(
            f"cannot import {flavour}: {error}; {extra_hint(EXTRAS[flavour])}"
        ) from error
    return TensorRTApi(module, flavour)


def choose_api(flavour: Flavour, capability: str) -> TensorRTApi:
    """The flavour that was asked for, or the first that is installed and supports a GPU.

    Args:
        flavour: As the user gave it.
        capability: The GPU's compute capability, for example ``"8.9"``.

    Raises:
        RuntimeMissingError: No flavour is installed.
        BackendError: None that is installed supports the GPU.
    """
    if flavour != "auto":
        api = load_api(flavour)
        api.check_target(capability)
        return api
    problems: list[BackendError] = []
    for name in EXTRAS:
        try:
            api = load_api(name)
            api.check_target(capability)
        except BackendError as error:
            problems.append(error)
        else:
            return api
    unfit = [error for error in problems if not isinstance(error, RuntimeMissingError)]
    raise (unfit or problems)[-1]


def check_capability(text: str) -> str:
    """Pass a compute capability on.

    Raises:
        InputError: It does not look like ``8.9``.
    """
    if not re.fullmatch(r"[0-9]{1,2}\.[0-9]", text):
        raise InputError(f"compute capability {text[:40]!r} is not understood; give it like 8.9")
    return text


def _make_logger(module: ModuleType) -> Any:  # noqa: ANN401 - its class exists only once the library is imported
    severities = module.ILogger
    levels = {
        severities.INTERNAL_ERROR: logging.ERROR,
        severities.ERROR: logging.ERROR,
        severities.WARNING: logging.INFO,
        severities.INFO: logging.DEBUG,
        severities.VERBOSE: logging.DEBUG,
    }

    class Logger(module.ILogger):  # type: ignore[misc, name-defined]
        """TensorRT's messages, at our levels; its errors come up in ours, so that they are said once."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.last_error = ""

        def log(self, severity: Any, text: str) -> None:  # noqa: ANN401 - TensorRT has no types
            """Take one message; called by TensorRT, from any thread."""
            if levels[severity] == logging.ERROR:
                self.last_error = text
            _log.log(min(levels[severity], logging.INFO), "%s", text)

    return Logger()
