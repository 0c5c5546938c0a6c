"""A plane cut into tiles of one size, for frames whose activations do not fit in memory at once.

Tiles overlap by the network's receptive radius, so that every sample that is
kept was computed from the same neighbourhood as in the whole frame: there are
no seams.
"""

from dataclasses import dataclass
from functools import cached_property

Area = tuple[slice, slice]
"""Rows and columns of a plane, as an index."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One tile along one axis, in source samples.

    Attributes:
        start: Where the tile begins in the plane.
        stop: Where it ends.
        kept_start: From where on its result is kept.
        kept_stop: Up to where its result is kept.
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
        radius: The network's receptive radius.
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
    """One tile; areas are in source samples, and `scaled` gives those of the result.

    Attributes:
        source: Of the plane, what the tile is computed from.
        kept: Of the tile, what is kept of the result.
        placed: Of the plane, where that belongs.
    """

    source: Area
    kept: Area
    placed: Area


def scaled(area: Area, scale: int) -> Area:
    """The area of an upscaled plane that an area of its source becomes."""
    rows, columns = (slice(each.start * scale, each.stop * scale) for each in area)
    return rows, columns


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How planes are cut.

    Attributes:
        size: Width and height of the plane.
        tile: Width and height of every tile; as large as the plane, or more than ``2 · radius``.
        radius: The network's receptive radius.
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
        """For the log; empty where the plane is not cut."""
        return f", {len(self.tiles)} tiles of {self.tile[0]}x{self.tile[1]}" if len(self.tiles) > 1 else ""


def whole(width: int, height: int) -> Tiling:
    """Planes that are computed in one piece."""
    return Tiling(size=(width, height), tile=(width, height), radius=0)


def _tile(row: Window, column: Window) -> Tile:
    axes = (row, column)
    return Tile(
        source=(slice(row.start, row.stop), slice(column.start, column.stop)),
        kept=tuple(slice(each.kept_start - each.start, each.kept_stop - each.start) for each in axes),  # type: ignore[arg-type]
        placed=(slice(row.kept_start, row.kept_stop), slice(column.kept_start, column.kept_stop)),
    )
