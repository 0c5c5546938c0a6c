"""Frames too large for their activations to fit in memory, tile by tile.

Tiles overlap by the network's receptive radius, so that every sample that is
kept was computed from the same neighbourhood as in the whole frame: there are
no seams.
"""

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from vs_espcn.networks.cost import activation_bytes
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import Backend, OpenVINO, Vulkan
from vs_espcn.runtime.engine import Engine, Plane, Slot

ACTIVATION_BUDGET = 1 << 30
"""Bytes that the activations of all lanes of a clip may take in the computer's memory."""

GPU_LANE_BUDGET = 1 << 27
"""Bytes that the activations of one lane may take on a GPU, of whose memory others want their share."""

_VULKAN_SHARE = 4
"""Part of a Vulkan device's free memory that activations may take: ncnn's workspaces take as much or more."""

_LEAST_SIDE = 64  # below this the overlap costs more than the tile


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


def tile_for(backend: Backend, network: ModelProto, size: tuple[int, int], *, lanes: int) -> tuple[int, int]:
    """The tile (width, height) in which planes are computed so that their activations fit in memory.

    Args:
        backend: Where the network runs, its precision resolved.
        network: A network from `vs_espcn.networks.registry.load_network`.
        size: Width and height of the planes.
        lanes: Frames in work at once; on an NVIDIA GPU the tile does not depend on it.

    Returns:
        The whole plane where that fits, or where the network's reach is not known.
    """
    radius = reach_of(network).radius
    if radius is None:
        return size
    sample_bytes = activation_bytes(network)
    if isinstance(backend, OpenVINO):
        budget = ACTIVATION_BUDGET // lanes
    elif isinstance(backend, Vulkan):
        # Loads the runtime.
        from vs_espcn.runtime.vulkan_device import free_memory  # noqa: PLC0415

        budget = min(GPU_LANE_BUDGET, free_memory(backend.device) // (_VULKAN_SHARE * lanes))
        sample_bytes //= 2 if backend.precision == "fp16" else 1
    else:
        budget = GPU_LANE_BUDGET
        sample_bytes //= 2 if backend.arithmetic == "fp16" else 1
    return automatic_tile(*size, samples=budget // sample_bytes, radius=radius)


def automatic_tile(width: int, height: int, *, samples: int, radius: int) -> tuple[int, int]:
    """The tile (width, height) with which the fewest tiles cover a plane.

    Args:
        width: Width of the plane.
        height: Height of the plane.
        samples: Source samples that a tile may have.
        radius: The network's receptive radius, by which tiles overlap.

    Returns:
        The whole plane if it fits, else strips of its width if they are not
        too thin, else of half its width and so on; all of them as small as
        their number allows, so that little is computed twice.
    """
    least = max(_LEAST_SIDE, 4 * radius + 1)
    columns = 1
    tile_width = width
    while tile_width > 2 * least and samples // tile_width < min(height, least):
        columns += 1
        tile_width = _shared(width, columns, radius)
    most = max(samples // tile_width, least)
    rows = 1 if height <= most else -(-(height - 2 * radius) // (most - 2 * radius))
    return tile_width, _shared(height, rows, radius)


def _shared(length: int, tiles: int, radius: int) -> int:
    """The shortest tile of which a number covers an axis."""
    return length if tiles == 1 else -(-(length - 2 * radius) // tiles) + 2 * radius


class TiledEngine:
    """An engine for whole planes over an engine for tiles."""

    def __init__(
        self, tile_engine: Engine, *, size: tuple[int, int], tile: tuple[int, int], radius: int, scale: int
    ) -> None:
        """Take over `tile_engine`.

        Args:
            tile_engine: Made for planes of size `tile`.
            size: Width and height of the whole plane.
            tile: Width and height of a tile, as for `windows`.
            radius: The network's receptive radius.
            scale: The network's scale.
        """
        columns, rows = (windows(*axis, radius) for axis in zip(size, tile, strict=True))
        self._description = f"{tile_engine.description}, {len(columns)}x{len(rows)} tiles"
        self._tile_engine = tile_engine
        self._slots = tuple(TiledSlot(slot, rows, columns, scale) for slot in tile_engine.slots)

    @property
    def description(self) -> str:
        """The tile engine's, and the number of tiles."""
        return self._description

    @property
    def slots(self) -> tuple[Slot, ...]:
        """One slot per lane."""
        return self._slots

    def close(self) -> None:
        """Close the tile engine; a second call does nothing."""
        self._tile_engine.close()


class TiledSlot:
    """A slot for whole planes over a slot for tiles; the tile's result is allocated once."""

    def __init__(self, tile_slot: Slot, rows: list[Window], columns: list[Window], scale: int) -> None:
        """Take over `tile_slot`.

        Args:
            tile_slot: Serves planes of the windows' common size.
            rows: The windows along the height.
            columns: The windows along the width.
            scale: The network's scale.
        """
        self._slot = tile_slot
        self._rows, self._columns = rows, columns
        self._scale = scale
        self._result: Plane | None = None

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; see `vs_espcn.runtime.engine.Slot`."""
        scale = self._scale
        if self._result is None:
            tile = (self._rows[0].stop * scale, self._columns[0].stop * scale)
            self._result = np.empty(tile, target.dtype)
        for row in self._rows:
            for column in self._columns:
                self._slot.upscale(source[row.start : row.stop, column.start : column.stop], self._result)
                target[
                    row.kept_start * scale : row.kept_stop * scale,
                    column.kept_start * scale : column.kept_stop * scale,
                ] = self._result[
                    (row.kept_start - row.start) * scale : (row.kept_stop - row.start) * scale,
                    (column.kept_start - column.start) * scale : (column.kept_stop - column.start) * scale,
                ]
