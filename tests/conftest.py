"""Set-up that every test shares."""

import ctypes
import signal
import sys
from contextlib import suppress

import pytest
from hypothesis import is_hypothesis_test

from tests.hardware import why_no_vulkan
from vs_espcn.errors import BackendError, RuntimeMissingError

# Before vapoursynth: once it has loaded vs-mlrt's plugin, which carries its own
# copy of OpenVINO, openvino can no longer be imported.
with suppress(RuntimeMissingError):  # what needs only a GPU runs without it
    import vs_espcn.runtime.openvino  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Property runs are slow ones."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path_factory.mktemp("cache")))


class _SignalStack(ctypes.Structure):
    """Linux's ``stack_t``."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@pytest.fixture(autouse=True)
def _signals_have_a_stack() -> None:
    """Handle signals on the thread's own stack.

    Models of vs-mlrt's plugin, each with an OpenVINO core of its own, leave the thread the signal
    stack of one that is gone; the next signal would end the whole run.
    """
    if sys.platform == "linux":
        disabled = _SignalStack(None, 2, 0)
        assert ctypes.CDLL(None).sigaltstack(ctypes.byref(disabled), None) == 0


@pytest.fixture(autouse=True)
def _signals_are_heard() -> None:
    """A runner in the background, or under nohup, ignores these, and what it starts inherits that.

    Before each test: a command that ended in this process has them ignored, too.
    """
    heard = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    for number, handler in heard.items():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def with_vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processor pass for one that adds 8-bit products exactly, for what only chooses forms."""
    monkeypatch.setattr("vs_espcn.runtime.precision.instruction_sets", lambda: ["avx512_vnni"])


@pytest.fixture
def no_driver() -> None:
    """Skips the test where there is an NVIDIA driver, or no way to look for one."""
    cuda = pytest.importorskip("vs_espcn.runtime.cuda", reason="cuda-bindings is not installed")
    try:
        cuda.check_driver()
    except BackendError as error:
        if "no NVIDIA driver" in str(error):
            return
    pytest.skip("there is an NVIDIA driver here")


@pytest.fixture
def vulkan() -> None:
    """Skips the test where there is no Vulkan device, not even one in software."""
    if reason := why_no_vulkan():
        pytest.skip(reason)
