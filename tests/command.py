"""The command as tests run it, and what must hold when it refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def check_refusal(outcome: Outcome, folder: Path, words: str) -> None:
    """One clear line, a code that says so, and nothing left."""
    assert outcome.code == 1, outcome.err
    assert outcome.out == ""
    lines = outcome.err.splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("vs-espcn: error: ")
    assert words in lines[0]
    assert list(folder.iterdir()) == []
