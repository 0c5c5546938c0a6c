"""Mutate the package with cosmic-ray, and count the mutants that the nearest tests see.

    python3 -m uv run --group dev --group mutation python scripts/dev/mutation.py streaming --sample 60

`mutation.toml` names the rooms, their modules and each one's tests; without arguments every mutant of every
room runs. All of it happens in a copy of the tree. A mutant counts as caught if a test fails, or if the tests
take five times as long as without it. Survivors are printed with the lines that they change. Mutants of `|`
are left out, since `|` occurs in type annotations. Needs a system with fork.
"""

import argparse
import random
import sys
import time
import tomllib
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec
from tree_copy import LOG, ROOT, exit_code, tree_copy

_ANNOTATION = "ReplaceBinaryOperator_BitOr"
_SLOWER = 5
_LEAST_SECONDS = 60.0


def mutants(modules: dict[str, str], sample: int | None, seed: int) -> list[MutationSpec]:
    """All mutants of a room in random order; or a sample of them, each of another place."""
    with use_db(":memory:", WorkDB.Mode.create) as database:
        init([Path("vs_espcn", f"{module}.py") for module in modules], database, {})
        found = [each.mutations[0] for each in database.work_items]
    found = [each for each in found if _ANNOTATION not in each.operator_name]
    found.sort(key=lambda each: (str(each.module_path), each.operator_name, each.occurrence))
    random.Random(seed).shuffle(found)
    if sample is None:
        return found
    # An operator has ten other ones, so that a sample of mutants would be one of operators.
    places = {(each.module_path, each.start_pos): each for each in found}
    return list(places.values())[:sample]


def tests_pass(tests: str, limit: float) -> bool:
    """Run a module's tests: paths, and names after -k."""
    paths, is_chosen, names = tests.partition(" -k ")
    chosen = ["-k", names.strip("'")] if is_chosen else []
    return exit_code(["-m", "(not slow or hypothesis) and not gpu", *paths.split(), *chosen], limit) == 0


def seconds_without(tests: str) -> float:
    """How long tests take without a mutant; they must pass."""
    start = time.monotonic()
    if not tests_pass(tests, 3600):
        sys.exit(f"{tests}: fail without a mutant\n{Path(LOG).read_text(encoding='utf-8')}")
    return time.monotonic() - start


def difference(mutation: MutationSpec, before: str, after: str) -> str:
    """The lines that a mutant changes."""
    pairs = zip(before.split("\n"), after.split("\n"), strict=False)
    changed = [(number, *lines) for number, lines in enumerate(pairs, start=1) if lines[0] != lines[1]]
    return "\n".join(
        f"{mutation.module_path}:{number}\n  - {old.strip()}\n  + {new.strip()}"
        for number, old, new in changed
    )


def run(room: str, modules: dict[str, str], sample: int | None, seed: int) -> str:
    """Run a room's mutants; return its line of the table."""
    caught = total = 0
    limits: dict[str, float] = {}
    for mutation in mutants(modules, sample, seed):
        module = str(mutation.module_path.with_suffix("").relative_to("vs_espcn"))
        tests = modules[module]
        if tests not in limits:
            limits[tests] = max(_LEAST_SECONDS, _SLOWER * seconds_without(tests))
        operator = get_operator(mutation.operator_name)(**mutation.operator_args)
        with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
            is_caught = not tests_pass(tests, limits[tests])
        total += 1
        caught += is_caught
        print(f"{room} {total}: {mutation.operator_name}: {'caught' if is_caught else 'SURVIVED'}")
        if not is_caught:
            print(difference(mutation, before, after))
        sys.stdout.flush()
    return f"| {room} | {total} | {caught} | {caught / max(total, 1):.0%} |"


def main() -> None:
    rooms = tomllib.loads((ROOT / "scripts" / "dev" / "mutation.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"one of {', '.join(rooms)}; default: all")
    parser.add_argument("--module", help="only this module of the rooms")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants of each room, by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the chance; default: 0")
    given = parser.parse_args()
    lines = ["| room | mutants | caught | score |", "| --- | --- | --- | --- |"]
    with tree_copy():
        for room in given.rooms or rooms:
            modules = {name: tests for name, tests in rooms[room].items() if given.module in (None, name)}
            lines.append(run(room, modules, given.sample, given.seed))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
