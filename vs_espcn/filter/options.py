"""The filter's options, validated on construction."""

from dataclasses import dataclass, replace
from pathlib import Path

from vs_espcn.errors import InputError
from vs_espcn.filter.auto_network import Criteria, criteria_for
from vs_espcn.filter.chroma import ChromaKernel, find_resizer
from vs_espcn.filter.frame_properties import Range, check_range
from vs_espcn.filter.rgb import check_matrix
from vs_espcn.networks.quality import SourceKind
from vs_espcn.networks.registry import AUTO
from vs_espcn.runtime.backends import Backend, check_backend
from vs_espcn.runtime.default_backend import best_backend

Tile = tuple[int, int]
"""Width and height in source samples."""


_LARGEST_SCALE = 1000
"""Beyond any network; sizes stay numbers that can be computed with."""

_LARGEST_SIDE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """The options of `vs_espcn.upscale`, which documents them, and their defaults.

        options = UpscaleOptions(scale=3, network="subpixel-m")

    What depends on the clip, such as whether the scale or the tile suits it,
    is checked when the clip is upscaled.

    Raises:
        InputError: An option cannot be used.
    """

    scale: float = 2
    width: int | None = None
    height: int | None = None
    network: str | Path = AUTO
    source: SourceKind | None = None
    fps: float | None = None
    backend: Backend | None = None
    chroma: ChromaKernel = "spline36"
    range: Range | None = None
    matrix: int | None = None
    tile: Tile | None = None

    def __post_init__(self) -> None:
        find_resizer(self.chroma)
        criteria_for(str(self.network), self.source, self.fps)
        if self.backend is not None:
            check_backend(self.backend)
        check_range(self.range)
        check_matrix(self.matrix)
        if self.width is None and self.height is None:
            self._check_scale()
        for name, side in (("width", self.width), ("height", self.height)):
            if side is not None and (type(side) is not int or not 1 <= side <= _LARGEST_SIDE):
                raise InputError(
                    f"{name} is {side!r}; give a whole number of at least 1, and at most {_LARGEST_SIDE}"
                )
        if self.tile is not None and (
            not isinstance(self.tile, tuple | list) or [type(side) for side in self.tile] != [int, int]
        ):
            raise InputError(f"tile is {self.tile!r}; give (width, height) in samples, or None for automatic")

    def _check_scale(self) -> None:
        is_number = isinstance(self.scale, int | float) and not isinstance(self.scale, bool)
        if not (is_number and 1 <= self.scale <= _LARGEST_SCALE):
            raise InputError(
                f"scale is {self.scale!r}; give a number of at least 1, and at most {_LARGEST_SCALE}"
            )

    @property
    def criteria(self) -> Criteria | None:
        """Criteria by which a network is chosen; None if one is named."""
        return criteria_for(str(self.network), self.source, self.fps)

    @property
    def runs_on(self) -> Backend:
        """The backend: the one given, or the best that is present."""
        return best_backend() if self.backend is None else self.backend

    def with_network(self, network: str) -> "UpscaleOptions":
        """Return the options with a network named in place of ``"auto"`` and its criteria."""
        return replace(self, network=network, source=None, fps=None)
