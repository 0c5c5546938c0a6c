from pathlib import Path

import pytest

from tests.programs import Environment, environment_in


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environment_in(tmp_path)
