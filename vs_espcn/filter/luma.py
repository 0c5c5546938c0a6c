"""Upscaling of luma by one network: engines by range and tile size, or vs-mlrt's plugin."""

import logging
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import Any
from weakref import WeakMethod

import vapoursynth as vs
from onnx import ModelProto

from vs_espcn.errors import InputError, RuntimeMissingError
from vs_espcn.filter import vsmlrt
from vs_espcn.filter.frame_properties import Range, is_full_range
from vs_espcn.filter.frame_selection import by_frame
from vs_espcn.filter.lanes import upscale_in_lanes
from vs_espcn.filter.options import Tile
from vs_espcn.filter.sample_formats import sample_format
from vs_espcn.networks import graph
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import OpenVINO, lane_count, lane_rule
from vs_espcn.runtime.engine import Engine, Slot
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.precision import ResolvedNetwork
from vs_espcn.runtime.tiles import tile_for
from vs_espcn.runtime.tiling import Tiling

_log = logging.getLogger(__name__)


class LumaUpscaler:
    """One network for clips of one sample format and size.

    Ranges differ in two scalars of the graph, so each range has an engine of
    its own; the second is opened at the first frame that needs it.
    """

    def __init__(
        self,
        network: ResolvedNetwork,
        clip: vs.VideoNode,
        *,
        range_: Range | None,
        tile: Tile | None,
    ) -> None:
        """Check `tile` and choose the lanes; nothing is opened yet.

        Args:
            network: The network and where it runs.
            clip: GRAY or YUV, of constant format and size; only its first plane is used.
            range_: Range of every frame, or None for what each frame says.
            tile: Size of the tiles; None tiles frames that are too large.

        Raises:
            InputError: `tile` is too small for the network, or the network's reach is not known.
        """
        self._network = network.network
        self._scale = network.scale
        self._clip = clip
        self._size = (clip.width, clip.height)
        self._backend = network.backend
        self._sample = sample_format(clip.format)
        self._range = "full" if self._sample.depth is None else range_
        self._reach = reach_of(self._network)
        self._most_lanes = min(vs.core.num_threads, clip.num_frames)
        self._lanes = lane_count(self._backend, self._most_lanes)
        self._tile = (
            tile_for(self._backend, self._network, self._size, lanes=self._lanes)
            if tile is None
            else self._checked(tile)
        )
        self._engines: dict[bool, Engine] = {}
        self._opening = Lock()

    def upscale(self, props: vs.FrameProps) -> vs.VideoNode:
        """Return the clip's luma, upscaled: GRAY, with all properties of the clip's frames.

        Args:
            props: Of one frame; the engine for its range is opened now.

        Raises:
            BackendError: The runtime cannot run the network.
            InputError: The frame's range cannot be used.
        """
        try:
            engine = self._engine(self._full_range(props))
        except RuntimeMissingError:
            if not (isinstance(self._backend, OpenVINO) and vsmlrt.is_present()):
                raise
            _log.info("using OpenVINO through the vs-mlrt plugin, which has loaded its own copy of it")
            return by_frame(self._clip, partial(self._through_plugin, self._backend), self._full_range, props)
        _log.info("using %s (%s)", engine.description, lane_rule(self._backend, self._most_lanes))
        slots = [partial(self._slot, lane) for lane in range(len(engine.slots))]
        return upscale_in_lanes(self._clip, self._scale, slots)

    def _full_range(self, props: Mapping[str, Any]) -> bool:
        return is_full_range(props) if self._range is None else self._range == "full"

    def _slot(self, lane: int, props: vs.FrameProps) -> Slot:
        slots = self._engine(self._full_range(props)).slots
        return slots[lane % len(slots)]  # the engines of both ranges need not have as many

    def _engine(self, full_range: bool) -> Engine:
        with self._opening:
            if full_range not in self._engines:
                self._engines[full_range] = self._open(full_range)
            return self._engines[full_range]

    def _open(self, full_range: bool) -> Engine:
        graph = self._graph(self._sample, full_range)
        tiling = Tiling(size=self._size, tile=self._tile, radius=self._reach.radius or 0)
        engine = open_engine(self._backend, graph, lanes=self._lanes, tiling=tiling)
        _close_with_core(engine)
        return engine

    def _graph(self, sample: graph.SampleFormat, full_range: bool) -> ModelProto:
        width, height = self._tile
        return graph.build_graph(self._network, sample, full_range=full_range, width=width, height=height)

    def _through_plugin(self, backend: OpenVINO, full_range: bool) -> vs.VideoNode:
        return vsmlrt.upscale_with_plugin(
            vs.core.std.ShufflePlanes(self._clip, 0, vs.GRAY),
            self._graph(self._sample.in_float(), full_range),
            backend,
            tile=self._tile,
            overlap=self._reach.radius or 0,
        )

    def _checked(self, tile: Tile) -> Tile:
        radius = self._reach.radius
        if radius is None:
            raise InputError(
                f"tile is {tile[0]}x{tile[1]}, and the network cannot be computed in tiles, which would not "
                f"join: how far its {self._reach.obstacle} reaches is not known; leave out tile"
            )
        if min(tile) < 2 * radius + 1:
            raise InputError(
                f"tile is {tile[0]}x{tile[1]}; tiles overlap by {radius} samples on each side, "
                f"so give at least {2 * radius + 1}x{2 * radius + 1}, or None for automatic"
            )
        return min(tile[0], self._size[0]), min(tile[1], self._size[1])


def _close_with_core(engine: Engine) -> None:
    """Close an engine before VapourSynth's core is freed, if it still exists then."""
    close = WeakMethod(engine.close)

    def close_if_alive() -> None:
        if (alive := close()) is not None:
            alive()

    vs.register_on_destroy(close_if_alive)
