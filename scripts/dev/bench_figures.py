"""Read the file of `vs-espcn bench --json`, and add the rows of other benchmarks to it."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vs_espcn.bench.cpu import FILTER
from vs_espcn.file_writing import write

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Figures = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FilterSettings:
    """Settings of the filter: a shipped network, its scale and its precision."""

    network: str
    scale: int
    precision: str


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a command whose first argument is the file."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("figures", type=Path, help="file of vs-espcn bench --json")
    return made


def read(path: Path) -> Figures:
    """Read the figures in the file."""
    figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    return figures


def add(path: Path, key: str, rows: Sequence["DataclassInstance"]) -> None:
    """Write rows into the file, replacing those under the same key."""
    figures = read(path) | {key: [asdict(row) for row in rows]}
    write(path, f"{json.dumps(figures, indent=1)}\n".encode())


def fastest(figures: Figures) -> list[FilterSettings]:
    """Return the fastest settings of the filter for each scale in the file."""
    rows = sorted((row for row in figures["results"] if row["name"] == FILTER), key=lambda row: row["fps"])
    of_scale = {row["scale"]: row for row in rows}
    return [settings(of_scale[scale]) for scale in sorted(of_scale)]


def settings(row: dict[str, Any]) -> FilterSettings:
    """Return the settings of a row."""
    return FilterSettings(network=row["network"], scale=row["scale"], precision=row["precision"])
