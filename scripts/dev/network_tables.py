"""Renew the tables of docs/measurements/networks.md: networks on kernels, clips and drawings.

uv run --extra train python scripts/dev/network_tables.py ../shared/data

The folder holds eval/Set14, video/ and train_drawn/. Networks run in the filter in fp32.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from open_data import lay_out_measured
from pages import paste

from vs_espcn.evaluation.evaluation import Evaluation, run_evaluation
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.training.data.kernels import COMMON

PAGE = Path(__file__).parents[2] / "docs" / "measurements" / "networks.md"
CLIPS = (
    "natural_720p_dog.mp4",
    "natural_540p_flower.mp4",
    "natural_1080p60_mural.mp4",
    "cartoon_720p_bbb.mp4",
)
FRAMES, RATES = 2, (18, 23, 28)
SCALES = (2, 3, 4)
FP32 = OpenVINO(precision="fp32")


def networks(*sources: str) -> tuple[str, ...]:
    """List bicubic, ESPCN and the shipped networks that were trained on the given degradations."""
    found = dict.fromkeys(("bicubic", "espcn"))
    for spec in registry.shipped():
        facts = registry.network_metadata(registry.load_network(spec.path))
        fits = facts.get("degradation") in sources and not spec.network.endswith(registry.INT8_SUFFIX)
        if fits:
            found[spec.network] = None
    return tuple(found)


def by_kernel(data: Path) -> str:
    """Measure Set14, reduced by each common kernel."""
    evaluation = Evaluation(
        folders=(data / "eval" / "Set14",),
        scales=SCALES,
        methods=networks("clean"),
        kernels=COMMON,
        backend=FP32,
    )
    return run_evaluation(evaluation, lambda scores: scores)


def by_clip(data: Path) -> str:
    """Measure clips after x264 at several rates."""
    evaluation = Evaluation(
        clips=tuple(data / "video" / name for name in CLIPS),
        scales=SCALES,
        methods=networks("clean", "video"),
        frames=FRAMES,
        rates=RATES,
        backend=FP32,
    )
    return rows_of(run_evaluation(evaluation, lambda scores: scores))


def of_drawings(data: Path) -> str:
    """Measure pans over drawings, reduced by box and by bicubic, uncompressed and after x264."""
    with TemporaryDirectory() as folder:
        _, pans = lay_out_measured(data / "train_drawn", Path(folder))
        evaluation = Evaluation(
            clips=pans,
            scales=SCALES,
            methods=networks("clean", "video", "anime"),
            kernels=("box", "bicubic"),
            frames=1,
            rates=(23,),
            backend=FP32,
        )
        return rows_of(run_evaluation(evaluation, lambda scores: scores), means_only=True)


def rows_of(text: str, *, means_only: bool = False) -> str:
    """Return the tables of an evaluation without the lines below; `means_only` leaves out single clips."""
    lines = [line for line in text.splitlines() if not line.startswith("- ")]
    heads = ("| clip |", "| --- |", "| **mean** |")
    if means_only:
        lines = [line for line in lines if not line.startswith("|") or line.startswith(heads)]
    return "\n".join(lines).strip()


TABLES = {"kernels": by_kernel, "clips": by_clip, "drawings": of_drawings}


def main(data: Path, names: Sequence[str]) -> None:
    """Bring the page up to date."""
    for name in names or TABLES:
        paste(PAGE, {name: TABLES[name](data)})


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(TABLES):
        sys.exit(f"usage: network_tables.py DATA [{' | '.join(TABLES)} ...]")
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
