"""Measure the share of the processor's rate of matrix products that OpenVINO alone reaches with a network.

python3 scripts/dev/bench_shares.py docs/performance.json

Reads the frame rates of OpenVINO alone from the file, and writes ``shares`` into it.
"""

from dataclasses import dataclass
from typing import Any

import bench_figures

from vs_espcn.bench.cpu import RAW
from vs_espcn.networks import cost, registry
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.runtime.matrix_rate import matrix_rate


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of the processor's rate of matrix products that a network reaches.

    Attributes:
        scale: Scale of the network.
        precision: Its precision.
        network: Operations per second of the engine alone, in 10⁹.
        matrix: Operations per second of matrix products, in 10⁹.
        share: The first divided by the second.
    """

    scale: int
    precision: str
    network: float
    matrix: float
    share: float


def share_of(row: dict[str, Any], rate: float) -> Share:
    """Return the share of a row of OpenVINO alone; `rate` is in operations per second."""
    scale = row["scale"]
    network = registry.load_network(registry.find(row["network"], scale).path)
    width, height = map(int, row["size"].split("x"))
    operations = 2 * cost.macs_per_sample(network) * (width // scale) * (height // scale) * row["fps"]
    return Share(
        scale=scale,
        precision=row["precision"],
        network=operations / 1e9,
        matrix=rate / 1e9,
        share=operations / rate,
    )


def main() -> None:
    """Add the rows to the file."""
    path = bench_figures.parser(__doc__).parse_args().figures
    rows = [row for row in bench_figures.read(path)["results"] if row["name"] == RAW]
    shares = []
    for precision in dict.fromkeys(row["precision"] for row in rows):
        rate = matrix_rate(OpenVINO(), precision)
        shares += [share_of(row, rate) for row in rows if row["precision"] == precision]
    bench_figures.add(path, "shares", shares)


if __name__ == "__main__":
    main()
