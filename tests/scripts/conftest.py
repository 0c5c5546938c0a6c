import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.programs import SCRIPTS, Environment, environment_in


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environment_in(tmp_path)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a script of scripts/dev as the scripts beside it do."""
    monkeypatch.syspath_prepend(SCRIPTS / "dev")
    return importlib.import_module
