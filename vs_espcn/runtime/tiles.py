"""Choose the size of tiles so that their activations fit in memory."""

from onnx import ModelProto

from vs_espcn.networks.cost import activation_bytes
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import Backend, OpenVINO, Vulkan

ACTIVATION_BUDGET = 1 << 30
"""Bytes of main memory that the activations of all lanes of a clip may take."""

GPU_LANE_BUDGET = 1 << 27
"""Bytes of GPU memory that the activations of one lane may take; other programs share that memory."""

_VULKAN_SHARE = 4
"""Divisor of a Vulkan device's free memory for activations: ncnn's workspaces take as much or more."""

_LEAST_SIDE = 64  # below this the overlap costs more than the tile


def tile_for(backend: Backend, network: ModelProto, size: tuple[int, int], *, lanes: int) -> tuple[int, int]:
    """Return the tile (width, height) with which the activations of planes fit in memory.

    Args:
        backend: Where the network runs, with its precision resolved.
        network: A network from `vs_espcn.networks.registry.load_network`.
        size: Width and height of the planes.
        lanes: Frames in work at once; the tile does not depend on it on an NVIDIA GPU.

    Returns:
        The whole plane if that fits, or if the network's receptive field is unknown.
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
    """Return the tile (width, height) of which the fewest cover a plane.

    Args:
        width: Width of the plane.
        height: Height of the plane.
        samples: Largest number of source samples in a tile.
        radius: Radius of the network's receptive field, by which tiles overlap on each side.

    Returns:
        The whole plane if it fits, else strips of its full width if they are
        not too thin, else of half its width, and so on. Tiles are as small as
        their number allows, to compute little twice.
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
    """Return the shortest tile of which the given number covers an axis."""
    return length if tiles == 1 else -(-(length - 2 * radius) // tiles) + 2 * radius
