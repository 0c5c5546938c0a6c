"""Engines as the filter opens them."""

from vs_espcn.networks.graph import ModelProto
from vs_espcn.runtime import engine_factory
from vs_espcn.runtime.backends import Backend
from vs_espcn.runtime.engine import Engine
from vs_espcn.runtime.precision import resolved_backend
from vs_espcn.runtime.tiling import Tiling


def open_engine(
    backend: Backend, model: ModelProto, *, lanes: int, depth: int | None, tiling: Tiling | None = None
) -> Engine:
    """Open a graph's engine in the precision that a clip of this depth gets."""
    resolved = resolved_backend(backend, model, depth)
    return engine_factory.open_engine(resolved, model, lanes=lanes, tiling=tiling)
