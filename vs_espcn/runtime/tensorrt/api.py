"""What differs between TensorRT's flavours and versions, found by looking for features.

Everything else that is called on TensorRT is the same in all of them.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from vs_espcn.errors import BackendError, InputError, RuntimeMissingError, extra_hint
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import Flavour
from vs_espcn.runtime.tensorrt.messages import Messages

EXTRAS = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}
"""Flavours, the preferred first, which are also the names of their modules; and what installs each."""

_CUDA_VERSION = 13
"""CUDA's major version that the packages of `EXTRAS` are built for."""

_LEAST_CAPABILITY = (7, 5)
"""Of GPUs that a flavour supports that cannot list them."""

_OF_MEMORY = re.compile(r"out ?of ?memory|failed_allocation", re.IGNORECASE)
"""What TensorRT says where its own allocation failed; it does not raise or return CUDA's error."""


class TensorRTApi:
    """One flavour of TensorRT, as installed.

    Attributes:
        module: The library itself.
        flavour: Its name.
        version: Its exact version.
        messages: What the library says; it has the logger that the library is given.
    """

    def __init__(self, module: ModuleType, flavour: str) -> None:
        """Take over an imported module."""
        self.module = module
        self.flavour = flavour
        self.version: str = module.__version__
        self.messages = Messages(module)

    def checked(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - TensorRT has no types
        """Call a function of TensorRT whose result is None or False where it failed.

        Args:
            what: What failed then, for example ``"cannot build the network"``.
            function: One of the library.
            arguments: Its arguments.

        Raises:
            BackendError: It failed, with what TensorRT said about it in this call; `OutOfMemoryError` if
                that was of memory.
        """
        self.messages.begin()
        result = function(*arguments)
        self.messages.pass_on()
        if result is None or result is False:
            errors = self.messages.errors()
            of_memory = [text for text in errors if _OF_MEMORY.search(text)]
            reason = [*errors, *of_memory][-1] if errors else "no reason given"
            kind = cuda.OutOfMemoryError if of_memory else BackendError
            raise kind(f"{self.flavour} {self.version} {what}: {reason}")
        return result

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
        if self.targets is None:
            supported = tuple(map(int, capability.split("."))) >= _LEAST_CAPABILITY
            known = f"{'.'.join(map(str, _LEAST_CAPABILITY))} and newer"
        else:
            supported, known = capability in self.targets, ", ".join(self.targets)
        if supported:
            return
        other = "flavour='tensorrt' (extra tensorrt), or " if self.targets is not None else ""
        raise BackendError(
            f"{self.flavour} {self.version} does not support GPUs of compute capability {capability}, "
            f"only {known}; use {other}the backend 'torch'"
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
        what = f"cannot build for compute capability {capability}"
        self.checked(what, config.set_compute_capability, self.targets[capability], 0)

    def require_user_allocation(self, config: Any) -> None:  # noqa: ANN401 - TensorRT has no types
        """Have a plan built whose contexts allocate nothing, where that can be asked for.

        Only such contexts can be recorded as a CUDA graph there. What runs
        the plan must give them their memory.
        """
        flag = getattr(self.module.BuilderFlag, "REQUIRE_USER_ALLOCATION", None)
        if flag is not None:
            config.set_flag(flag)

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
    missing, unfit = "", ""  # texts: an error that is kept here would keep the callers' frames, too
    for name in EXTRAS:
        try:
            api = load_api(name)
            api.check_target(capability)
        except RuntimeMissingError as error:
            missing = str(error)
        except BackendError as error:
            unfit = str(error)
        else:
            return api
    raise BackendError(unfit) if unfit else RuntimeMissingError(missing)


def open_gpu(index: int) -> cuda.Device:
    """A GPU for TensorRT.

    Args:
        index: Its number, from 0.

    Raises:
        BackendError: There is no driver, it is too old for TensorRT, or there is no such GPU.
    """
    cuda.check_driver_version(_CUDA_VERSION)
    return cuda.open_device(index)


def api_for(flavour: Flavour, device: cuda.Device) -> TensorRTApi:
    """As `choose_api`, for a GPU that is present, which errors name."""
    try:
        return choose_api(flavour, device.capability)
    except RuntimeMissingError:
        raise
    except BackendError as error:
        raise BackendError(f"{device}: {error}") from error


def check_capability(text: str) -> str:
    """Pass a compute capability on.

    Raises:
        InputError: It does not look like ``8.9``.
    """
    if not re.fullmatch(r"[0-9]{1,2}\.[0-9]", text):
        raise InputError(f"compute capability {text[:40]!r} is not understood; give it like 8.9")
    return text
