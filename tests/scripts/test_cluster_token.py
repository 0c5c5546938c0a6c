"""Ray accepts nobody without the cluster's token."""

import subprocess
import sys

import pytest

from tests.programs import SCRIPTS, Environment

PRINT = (
    "import os, runpy, sys; runpy.run_path(sys.argv[1]);"
    "print(os.environ['RAY_AUTH_MODE'], os.environ.get('RAY_AUTH_TOKEN'))"
)


def token(environment: Environment) -> list[str]:
    command = [sys.executable, "-c", PRINT, str(SCRIPTS / "cluster.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_a_cluster_of_our_own_has_a_token_that_nobody_can_guess(environment: Environment) -> None:
    pytest.importorskip("ray")
    (mode, first), (_, second) = token(environment), token(environment)
    assert mode == "token"
    assert len(first) == 64
    assert first != second


def test_the_token_of_a_cluster_that_runs_is_kept(environment: Environment) -> None:
    pytest.importorskip("ray")
    assert token(environment | {"RAY_AUTH_TOKEN": "a" * 64}) == ["token", "a" * 64]
