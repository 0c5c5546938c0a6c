"""Cut planes into tiles of one size, for frames whose activations do not fit in memory at once.

Tiles overlap by the radius of the network's receptive field. Every sample that
is kept is computed from the same neighbourhood as in the whole frame, so there
are no seams.
"""

from dataclasses import dataclass
from functools import cached_property

Area = tuple[slice, slice]
"""Rows and columns of a plane, as an index."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One tile along one axis, in source samples.

    Attributes:
        start: First sample of the tile in the plane.
        stop: End of the tile, exclusive.
        kept_start: First sample in the plane whose result is kept.
        kept_stop: End of the kept part, exclusive.
    """

    start: int
    stop: int
    kept_start: int
    kept_stop: int


def windows(length: int, tile: int, radius: int) -> list[Window]:
    """Cover an axis with tiles of one length whose kept parts meet without a gap.

    Args:
        length: Length of the axis.
        tile: Length of a tile: `length`, or more than ``2 · radius``.
        radius: Radius of the network's receptive field.
    """
    step = tile - 2 * radius
    starts = [*range(0, length - tile, step), length - tile] if tile < length else [0]
    cuts = [0, *(start + radius for start in starts[1:]), length]
    return [
        Window(start=start, stop=start + tile, kept_start=cuts[index], kept_stop=cuts[index + 1])
        for index, start in enumerate(starts)
    ]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One tile, with areas in source samples; `scaled` converts them for the result.

    Attributes:
        source: Area of the plane from which the tile is computed.
        kept: Area of the tile whose result is kept.
        placed: Area of the plane that receives the kept result.
    """

    source: Area
    kept: Area
    placed: Area


def scaled(area: Area, scale: int) -> Area:
    """Return the area of an upscaled plane for an area of its source."""
    rows, columns = (slice(each.start * scale, each.stop * scale) for each in area)
    return rows, columns


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """The division of planes into tiles.

    Attributes:
        size: Width and height of the plane.
        tile: Width and height of every tile; the plane's, or more than ``2 · radius``.
        radius: Radius of the network's receptive field.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    radius: int

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles, row by row."""
        columns, rows = (windows(*axis, self.radius) for axis in zip(self.size, self.tile, strict=True))
        return tuple(_tile(row, column) for row in rows for column in columns)

    def __str__(self) -> str:
        """Describe the tiles for the log; empty for a single tile."""
        return f", {len(self.tiles)} tiles of {self.tile[0]}x{self.tile[1]}" if len(self.tiles) > 1 else ""


def whole(width: int, height: int) -> Tiling:
    """Return the tiling that computes a plane in one piece."""
    return Tiling(size=(width, height), tile=(width, height), radius=0)


def _tile(row: Window, column: Window) -> Tile:
    axes = (row, column)
    return Tile(
        source=(slice(row.start, row.stop), slice(column.start, column.stop)),
        kept=tuple(slice(each.kept_start - each.start, each.kept_stop - each.start) for each in axes),  # type: ignore[arg-type]
        placed=(slice(row.kept_start, row.kept_stop), slice(column.kept_start, column.kept_stop)),
    )
