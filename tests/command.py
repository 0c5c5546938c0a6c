"""The command as tests run it, and what must hold when it refuses."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from vs_espcn import cli

RUN_LINE = "vs-espcn: network "
"""How the line begins that says what runs."""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def in_own_process(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which must end with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "vs_espcn", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


def in_this_process(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command in this process, which takes no second to start; it must end with `code`."""
    out, err = io.StringIO(), io.StringIO()
    words = [str(argument) for argument in arguments]
    ended: object = 0
    with (
        mock.patch.object(sys, "argv", ["vs-espcn", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as exit_:
            ended = exit_.code or 0
    assert ended == code, err.getvalue()
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def check_refusal(outcome: Outcome, folder: Path, words: str) -> None:
    """One clear line, but for the one that says what was to run; a code that says so, and nothing left."""
    assert outcome.code == 1, outcome.err
    assert outcome.out == ""
    lines = [line for line in outcome.err.splitlines() if not line.startswith(RUN_LINE)]
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("vs-espcn: error: ")
    assert words in lines[0]
    assert list(folder.iterdir()) == []
