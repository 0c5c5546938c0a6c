"""ncnn on a Vulkan device behind the `Engine` protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto

from vs_espcn.errors import BackendError
from vs_espcn.networks.cost import activation_bytes
from vs_espcn.runtime.backends import Vulkan
from vs_espcn.runtime.engine import Plane
from vs_espcn.runtime.ncnn_graph import (
    INPUT_BLOB,
    OUTPUT_BLOB,
    NcnnGraph,
    floats_to_samples,
    ncnn_graph,
    samples_to_floats,
)
from vs_espcn.runtime.tiling import Tiling, scaled
from vs_espcn.runtime.vulkan_device import (
    VulkanDevice,
    as_mat,
    find_device,
    free_memory,
    make_net,
    resolve_precision,
)

if TYPE_CHECKING:
    import ncnn

_MEGABYTE = 1 << 20


class VulkanEngine:
    """A graph loaded onto one device; its lanes share the weights."""

    def __init__(self, backend: Vulkan, graph: ModelProto, tiling: Tiling, *, lanes: int) -> None:
        """Load; see `vs_espcn.runtime.engine_factory.open_engine`."""
        device = find_device(backend.device)
        precision = resolve_precision(device, backend.precision)
        translated = ncnn_graph(graph)
        height, width = (dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim[2:])
        _check_memory(device, activation_bytes(graph) * width * height, precision, lanes)
        self._weights = translated.weights  # ncnn reads them where they are
        net = make_net(device.index, fp16=precision == "fp16")
        if net.load_param_mem(translated.param):
            raise BackendError(f"ncnn cannot load the network on {device.label}")
        net.load_model_mem(self._weights)
        self._description = f"Vulkan on {device.name}, {precision}, {lanes} lanes{tiling}"
        self._slots = tuple(VulkanSlot(net, translated, tiling, device) for _ in range(lanes))

    @property
    def description(self) -> str:
        """Device, precision and lanes."""
        return self._description

    @property
    def slots(self) -> tuple["VulkanSlot", ...]:
        """One slot per lane."""
        return self._slots

    def close(self) -> None:
        """Let go of the network on the device; a second call does nothing."""
        for slot in self._slots:
            slot.close()


class VulkanSlot:
    """One frame in work."""

    def __init__(self, net: "ncnn.Net", translated: NcnnGraph, tiling: Tiling, device: VulkanDevice) -> None:
        """Allocate the input.

        Args:
            net: Loaded; lanes may share it.
            translated: What it was loaded from.
            tiling: Planes in tiles of the graph's size.
            device: For messages.
        """
        self._net: ncnn.Net | None = net
        self._ends = translated
        self._device = device
        self._tiles = tiling.tiles
        width, height = tiling.tile
        self._input = np.zeros((1, height, width), np.float32)

    def upscale(self, source: Plane, target: Plane) -> None:
        """Upscale one plane; see `vs_espcn.runtime.engine.Slot`."""
        if self._net is None:
            raise BackendError("the slot is closed")
        scale = target.shape[0] // source.shape[0]
        for tile in self._tiles:
            samples_to_floats(source[tile.source], self._ends.source, self._input[0])
            placed = target[scaled(tile.placed, scale)]
            with self._computed(self._net) as result:
                kept = result.numpy()[0][scaled(tile.kept, scale)]
                floats_to_samples(kept, self._ends.target, self._ends.limits, placed)

    def compute(self) -> None:
        """Run the network on what `upscale` was last given, and drop the result, for benchmarks."""
        assert self._net is not None
        with self._computed(self._net):
            pass

    @contextmanager
    def _computed(self, net: "ncnn.Net") -> Iterator["ncnn.Mat"]:
        """Run the network; what ncnn takes lives as long as the array, what it gives as the extractor."""
        with net.create_extractor() as extractor:
            failed = extractor.input(INPUT_BLOB, as_mat(self._input))
            if not failed:
                failed, result = extractor.extract(OUTPUT_BLOB)
            if failed or result.empty():
                raise BackendError(
                    f"Vulkan's {self._device.label} failed while running (it was lost, or is out of memory); "
                    "use fewer lanes or smaller tiles, update its driver, or use the backend 'openvino'"
                )
            yield result

    def close(self) -> None:
        """Let go of the network; `upscale` fails from now on."""
        self._net = None


def _check_memory(device: VulkanDevice, activations: int, precision: str, lanes: int) -> None:
    """Refuse what needs more than is free: at least the activations of all lanes."""
    needed = lanes * activations // (2 if precision == "fp16" else 1)
    free = free_memory(device)
    if needed > free:
        raise BackendError(
            f"Vulkan's {device.label} has {free // _MEGABYTE} MB of memory free, but {lanes} lanes need "
            f"{needed // _MEGABYTE + 1} MB; use fewer lanes, precision='fp16', or smaller tiles"
        )
