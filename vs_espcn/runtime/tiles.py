"""How large the tiles of a plane may be, so that their activations fit in memory."""

from onnx import ModelProto

from vs_espcn.networks.cost import activation_bytes, receptive_radius
from vs_espcn.runtime.backends import Backend, OpenVINO

ACTIVATION_BUDGET = 1 << 30
"""Bytes that the activations of all lanes of a clip may take in the computer's memory."""

GPU_LANE_BUDGET = 1 << 27
"""Bytes that the activations of one lane may take on a GPU, of whose memory others want their share."""

_LEAST_SIDE = 64  # below this the overlap costs more than the tile


def tile_for(backend: Backend, network: ModelProto, size: tuple[int, int], *, lanes: int) -> tuple[int, int]:
    """The tile (width, height) in which planes are computed so that their activations fit in memory.

    Args:
        backend: Where the network runs, its precision resolved.
        network: A network from `vs_espcn.networks.registry.load_network`.
        size: Width and height of the planes.
        lanes: Frames in work at once; on a GPU the tile does not depend on it.
    """
    sample_bytes = activation_bytes(network)
    if isinstance(backend, OpenVINO):
        budget = ACTIVATION_BUDGET // lanes
    else:
        budget = GPU_LANE_BUDGET
        sample_bytes //= 2 if backend.arithmetic == "fp16" else 1
    return automatic_tile(*size, samples=budget // sample_bytes, radius=receptive_radius(network))


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
