"""Ray accepts nobody without the cluster's token."""

import subprocess
import sys

import pytest

from tests.programs import SCRIPTS, Environment

PRINT = (
    "import os, runpy, sys; runpy.run_path(sys.argv[1]);"
    "print(os.environ.get('RAY_AUTH_MODE'), os.environ.get('RAY_AUTH_TOKEN'))"
)


def token(environment: Environment, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", PRINT, str(SCRIPTS / "cluster.py"), *arguments]
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


@pytest.mark.parametrize("arguments", [("--address", "auto"), ("--address=192.0.2.1:6379",)])
def test_a_cluster_that_runs_already_is_joined_as_it_is(
    environment: Environment, arguments: tuple[str, ...]
) -> None:
    pytest.importorskip("ray")
    assert token(environment, *arguments) == ["None", "None"]


HOST = """
import os, runpy, sys
runpy.run_path(sys.argv[1])  # as the script begins, before it connects
import ray
ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print(ray.get_runtime_context().gcs_address, os.environ["RAY_AUTH_TOKEN"], flush=True)
sys.stdin.read()
"""
JOIN = """
import sys
import ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
print(ray.get(ray.remote(num_cpus=0)(lambda: "ran").remote(), timeout=60))
"""


@pytest.mark.slow
def test_a_stranger_runs_nothing_in_the_cluster(environment: Environment) -> None:
    pytest.importorskip("ray")
    quiet = environment | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOST, str(SCRIPTS / "cluster.py")]
    with subprocess.Popen(command, env=quiet, stdin=pipe, stdout=pipe, text=True) as host:
        assert host.stdout
        address, token = host.stdout.readline().split()

        def joined(**extra: str) -> subprocess.CompletedProcess[str]:
            join = [sys.executable, "-c", JOIN, address]
            return subprocess.run(join, env=quiet | extra, capture_output=True, text=True, check=False)

        for tokens in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "b" * 64}):
            stranger = joined(**tokens)
            assert stranger.returncode != 0
            assert "ran" not in stranger.stdout
        assert joined(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token).stdout == "ran\n"
        assert host.stdin
        host.stdin.close()
        host.wait(timeout=60)
