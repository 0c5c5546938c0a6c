"""How good each shipped network was measured to be, by the kind of source.

The figures are in ``quality.json`` beside the networks, one entry per file;
``scripts/dev/network_quality.py`` measures and writes them.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from vs_espcn.networks.registry import ModelSpec, engines_dir

SourceKind = Literal["clean", "video", "anime"]
"""What a clip is: as good as uncompressed, compressed video, or compressed cartoons."""

SOURCES: tuple[SourceKind, ...] = get_args(SourceKind)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """PSNR of one network at one scale, in dB; comparable at the same scale only.

    Attributes:
        set5: Mean over Set5, by the protocol of the literature: reduced by bicubic.
        set14: Mean over Set14, likewise.
        kernels: Mean over Set5 reduced by each of seven usual kernels.
        video: Mean over filmed clips whose low resolution went through x264.
        anime: The same over cartoons.
    """

    set5: float
    set14: float
    kernels: float
    video: float
    anime: float

    def on(self, source: SourceKind) -> float:
        """The figure that counts for a kind of source, in dB."""
        match source:
            case "clean":
                return self.kernels
            case "video":
                return self.video
            case "anime":
                return self.anime


def quality_of(spec: ModelSpec) -> Quality | None:
    """What was measured of a network; None if nothing was."""
    return _quality(spec.path.name)


def quality_of_bicubic(scale: int) -> Quality | None:
    """What was measured of the resizer that networks are compared with; None if nothing was."""
    return _quality(bicubic_entry(scale))


def bicubic_entry(scale: int) -> str:
    """The name of bicubic's entry in the file."""
    return f"bicubic_x{scale}"


def _quality(name: str) -> Quality | None:
    entry = _entries().get(name)
    return None if entry is None else Quality(**{name: entry[name] for name in Quality.__annotations__})


@cache
def _entries() -> dict[str, dict[str, Any]]:
    path = engines_dir() / "quality.json"
    entries: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else {}
    return entries
