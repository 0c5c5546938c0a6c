"""Tests run in a copy of this tree, in which faults are planted: the tree itself is never changed.

What the tests import from others is loaded once here, and the process forked for each run.
"""

import compileall
import os
import py_compile
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import filelock  # noqa: F401
import onnxruntime  # noqa: F401
import openvino  # noqa: F401 - before vapoursynth, as in the tests
import PIL.Image  # noqa: F401
import pytest
import rich.progress  # noqa: F401
import torch  # noqa: F401
import typer.testing  # noqa: F401
import vapoursynth  # noqa: F401

ROOT = Path(__file__).parents[2]
_FOLDERS = ("docs", "scripts", "tests", "vs_espcn")
_FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "mkdocs.yml", "pyproject.toml")
_OPTIONS = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line")
LOG = "last-run.log"
"""What the latest run said, in the copy."""


@contextmanager
def tree_copy() -> Iterator[Path]:
    """Copy the tree to a temporary folder, and work there; child processes import the package from it."""
    with TemporaryDirectory(prefix="vs-espcn-faults-") as folder:
        copy = Path(folder, "tree")
        copy.mkdir()
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            shutil.copy(ROOT / name, copy)
        (copy / "engines").symlink_to(ROOT / "engines")
        (copy.parent / "shared").symlink_to(ROOT.parent / "shared")  # data of tests, where there is any
        # Compiled files that go by their source's content: a fault may come and go within a second.
        hashed = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(copy, quiet=1, invalidation_mode=hashed)
        os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        os.chdir(copy)
        try:
            yield copy
        finally:
            os.chdir(ROOT)


def exit_code(arguments: Sequence[str], limit: float) -> int | None:
    """Run pytest up to the first failure; None if it takes more than `limit` seconds."""
    with warnings.catch_warnings(action="ignore"):  # the libraries' threads wait for work
        child = os.fork()
    if not child:
        _run_and_exit(arguments)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _run_and_exit(arguments: Sequence[str]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    sys.path.insert(0, str(Path.cwd()))
    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        code = int(pytest.main([*_OPTIONS, *arguments]))
    finally:
        os._exit(code)
