"""Look up the measured quality of shipped networks by kind of source.

The figures are in ``quality.json`` in the networks' folder, one entry per file;
``scripts/dev/network_quality.py`` measures and writes them.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from vs_espcn.networks.registry import ModelSpec, engines_dir

SourceKind = Literal["clean", "video", "anime"]
"""Kinds of clips: as good as uncompressed, compressed video, and compressed cartoons."""

SOURCES: tuple[SourceKind, ...] = get_args(SourceKind)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """PSNR of one network at one scale, in dB; comparable only with figures of the same scale.

    Attributes:
        set5: Mean over Set5 reduced by bicubic, as in the literature.
        set14: Mean over Set14, likewise.
        kernels: Mean over Set5 reduced by each of seven common kernels.
        video: Mean over filmed clips, reduced and then coded by x264.
        anime: Likewise over cartoons.
    """

    set5: float
    set14: float
    kernels: float
    video: float
    anime: float

    def on(self, source: SourceKind) -> float:
        """Return the figure for a kind of source, in dB."""
        match source:
            case "clean":
                return self.kernels
            case "video":
                return self.video
            case "anime":
                return self.anime


def quality_of(spec: ModelSpec) -> Quality | None:
    """Return a network's measured quality; None if it was not measured."""
    return _quality(spec.path.name)


def quality_of_bicubic(scale: int) -> Quality | None:
    """Return the measured quality of bicubic, the baseline; None if it was not measured."""
    return _quality(bicubic_entry(scale))


def bicubic_entry(scale: int) -> str:
    """Return the name of bicubic's entry in the file."""
    return f"bicubic_x{scale}"


def _quality(name: str) -> Quality | None:
    entry = _entries().get(name)
    return None if entry is None else Quality(**{name: entry[name] for name in Quality.__annotations__})


@cache
def _entries() -> dict[str, dict[str, Any]]:
    path = engines_dir() / "quality.json"
    entries: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else {}
    return entries
