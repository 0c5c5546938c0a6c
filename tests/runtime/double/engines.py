"""Engines on the double, what they are given, and what must come back."""

import numpy as np
import onnxruntime

from tests.engines import open_engine
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.tensorrt.engine import TensorRTEngine

WIDTH, HEIGHT = 32, 20


def wrapped(sample: graph.SampleFormat = graph.UINT8) -> graph.ModelProto:
    network = registry.load_network(registry.find("espcn", 2).path)
    return graph.build_graph(network, sample, full_range=False, width=WIDTH, height=HEIGHT)


def engine(
    backend: TensorRT | None = None, *, lanes: int = 1, sample: graph.SampleFormat = graph.UINT8
) -> TensorRTEngine:
    opened = open_engine(
        backend or TensorRT(precision="fp32"), wrapped(sample), lanes=lanes, depth=sample.depth
    )
    assert isinstance(opened, TensorRTEngine)
    return opened


def noise(seed: int, sample: graph.SampleFormat = graph.UINT8) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, int(sample.peak) + 1, (HEIGHT, WIDTH))
    return values.astype(sample.dtype)


def reference(codes: np.ndarray, sample: graph.SampleFormat = graph.UINT8) -> np.ndarray:
    session = onnxruntime.InferenceSession(wrapped(sample).SerializeToString())
    return session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]


def upscaled(slot: object, codes: np.ndarray) -> np.ndarray:
    target = np.empty((2 * HEIGHT, 2 * WIDTH), codes.dtype)
    slot.upscale(codes, target)  # type: ignore[attr-defined]
    return target
