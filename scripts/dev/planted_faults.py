"""Plant realistic faults one at a time, and check that the tests named for each see it.

    python3 -m uv run --group dev python scripts/dev/planted_faults.py            # all of them
    python3 -m uv run --group dev python scripts/dev/planted_faults.py chroma     # those with this word

`planted_faults.toml` is the table: a name, a file, the exact text there, the text in its place, and the tests
of which one must fail. All of it happens in a copy of the tree, where the tests must pass first. A text that
is not found once in its file, and tests that do not run, are errors. Needs a system with fork.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tree_copy import LOG, ROOT, exit_code, tree_copy

_PASSED, _FAILED = 0, 1
_LIMIT = 1800.0
"""Seconds after which tests count as failed: a fault may have them wait for ever."""


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        name: What goes wrong.
        file: The file that holds the fault.
        old: Text that occurs there once.
        new: Text in its place.
        tests: What pytest is given: files, tests of them, options.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted_in(self, root: Path) -> str:
        """The file's text with the fault.

        Raises:
            ValueError: The old text does not occur once.
        """
        text = (root / self.file).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.file} has the text {self.old!r} {count} times, not once")
        return text.replace(self.old, self.new)


def read_faults() -> list[Fault]:
    """The table."""
    rows = tomllib.loads((ROOT / "scripts" / "dev" / "planted_faults.toml").read_text(encoding="utf-8"))
    return [Fault(**{**row, "tests": tuple(row["tests"])}) for row in rows["fault"]]


def run(tests: Sequence[str]) -> int | None:
    return exit_code(["-m", "", *tests], _LIMIT)


def check_sound(faults: Sequence[Fault]) -> None:
    """Let a tree pass whose tests pass without a fault; those that are skipped are found as survivors."""
    if run(sorted({test for fault in faults for test in fault.tests})) != _PASSED:
        sys.exit(f"the tests fail without a fault:\n{Path(LOG).read_text(encoding='utf-8')}")


def is_caught(fault: Fault, copy: Path) -> bool:
    """Plant a fault, run its tests, and take it away."""
    path = copy / fault.file
    before = path.read_text(encoding="utf-8")
    path.write_text(fault.planted_in(copy), encoding="utf-8")
    try:
        code = run(fault.tests)
    finally:
        path.write_text(before, encoding="utf-8")
    if code not in {_PASSED, _FAILED, None}:
        sys.exit(f"{fault.name}: the tests did not run\n{Path(LOG).read_text(encoding='utf-8')}")
    return code != _PASSED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*", help="only faults whose name or file has one of them")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without a fault first")
    given = parser.parse_args()
    faults = [
        fault
        for fault in read_faults()
        if not given.words or any(word in f"{fault.name} {fault.file}" for word in given.words)
    ]
    survived = []
    with tree_copy() as copy:
        if not given.trust:
            check_sound(faults)
        for number, fault in enumerate(faults, start=1):
            caught = is_caught(fault, copy)
            print(
                f"{number} of {len(faults)}: {'caught' if caught else 'SURVIVED'}: {fault.name}", flush=True
            )
            survived += [] if caught else [fault.name]
    print(f"{len(faults) - len(survived)} of {len(faults)} caught")
    if survived:
        sys.exit("survived: " + "; ".join(survived))


if __name__ == "__main__":
    main()
