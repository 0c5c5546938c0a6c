"""A copy of this tree to plant faults in, so that the tree itself is never changed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
_COPIED = ("docs", "scripts", "tests", "vs_espcn")
_FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "mkdocs.yml", "pyproject.toml")

PYTEST = ("-q", "-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line")
"""Options of pytest for a run in the copy."""


@contextmanager
def tree_copy() -> Iterator[Path]:
    """Copy the tree to a temporary folder; child processes import the package from there."""
    with TemporaryDirectory(prefix="vs-espcn-faults-") as folder:
        copy = Path(folder, "tree")
        copy.mkdir()
        for name in _COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            shutil.copy(ROOT / name, copy)
        (copy / "engines").symlink_to(ROOT / "engines")
        (copy.parent / "shared").symlink_to(ROOT.parent / "shared")  # data of tests, where there is any
        before = os.environ.get("PYTHONPATH")
        os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            yield copy
        finally:
            del os.environ["PYTHONDONTWRITEBYTECODE"], os.environ["PYTHONPATH"]
            if before is not None:
                os.environ["PYTHONPATH"] = before
