"""Print which classes and members used by the package each version of TensorRT has.

    PYTHONPATH=. python scripts/dev/tensorrt_api_table.py API.json … > tests/data/tensorrt_api.json

Each input describes the version in its file name: by class and member, the member's
kind or signatures. The tests compare their fake of TensorRT with the result.
"""

import inspect
import json
import sys
from pathlib import Path

from tests.runtime.double import fake_tensorrt


def used() -> dict[str, list[str]]:
    """List every class and member of the tests' fake, which has only those that the package uses."""
    classes = {
        name: value
        for name, value in vars(fake_tensorrt).items()
        if inspect.isclass(value) and value.__module__ == fake_tensorrt.__name__
    }
    return {
        name: [*(member for member in vars(value) if not member.startswith("_")), "__init__"]
        for name, value in classes.items()
    }


def main() -> None:
    table = {}
    for path in map(Path, sys.argv[1:]):
        described = json.loads(path.read_text())
        table[path.stem] = {
            name: {member: described[name][member] for member in members if member in described[name]}
            for name, members in used().items()
            if name in described
        }
    json.dump(table, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
