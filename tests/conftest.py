"""Set-up that every test shares."""

# First of all: once VapourSynth has loaded vs-mlrt's plugin, which carries its
# own copy of OpenVINO, openvino can no longer be imported.
import openvino  # noqa: F401
import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path_factory.mktemp("cache")))
