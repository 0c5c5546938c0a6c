"""The tables of the maintainers' commands that plant faults and run mutants."""

import re
import tomllib
from collections.abc import Callable
from types import ModuleType

import pytest

from tests.programs import ROOT, SCRIPTS

pytest.importorskip("openvino")


@pytest.fixture
def planted(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("planted_faults")


def test_every_fault_can_be_planted(planted: ModuleType) -> None:
    faults = planted.read_faults()
    for fault in faults:
        assert fault.planted_in(ROOT) != (ROOT / fault.file).read_text(encoding="utf-8")
    assert len({fault.name for fault in faults}) == len(faults)


def test_a_text_that_is_gone_is_an_error(planted: ModuleType) -> None:
    fault = planted.Fault("it", "README.md", "no such words anywhere", "", ())
    with pytest.raises(ValueError, match=r"it: README\.md has the text 'no such words anywhere' 0 times"):
        fault.planted_in(ROOT)


def test_every_test_that_is_to_fail_is_there(planted: ModuleType) -> None:
    for fault in planted.read_faults():
        paths = [each.partition("::") for each in fault.tests if each.startswith("tests/")]
        assert paths
        for path, _, name in paths:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert not name or f"def {name.partition('[')[0]}(" in text


def test_every_module_of_the_rooms_has_tests_for_its_mutants() -> None:
    rooms = tomllib.loads((SCRIPTS / "dev" / "mutation.toml").read_text(encoding="utf-8"))
    listed = {module for modules in rooms.values() for module in modules}
    package = ROOT / "vs_espcn"
    found = {
        path.relative_to(package).with_suffix("").as_posix()
        for room in ("filter", "runtime", "encoding", "streaming")
        for path in (package / room).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert found - listed == {"runtime/engine"}, "a protocol, which has nothing to mutate"
    for modules in rooms.values():
        for tests in modules.values():
            assert all((ROOT / path).exists() for path in re.findall(r"tests/[\w/.]+", tests)), tests
