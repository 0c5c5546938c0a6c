import sys
from pathlib import Path

import pytest

from tests.command import Outcome, Run
from tests.media import with_sound
from vs_espcn import cli
from vs_espcn.runtime.default_backend import best_backend


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process."""

    def main(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vs-espcn", "upscale", *map(str, arguments)])
        capfd.readouterr()
        code: object = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code or 0
        captured = capfd.readouterr()
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return main


@pytest.fixture(autouse=True, scope="session")
def _backend_is_chosen() -> None:
    """Why the GPU is out is said once in a process; which test comes first must not matter."""
    best_backend()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return with_sound(tmp_path / "in" / "film.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the output."""
    path = tmp_path / "out"
    path.mkdir()
    return path
