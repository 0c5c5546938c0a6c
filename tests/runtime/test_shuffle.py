"""The pixel shuffle as part of the copy into a frame, against ONNX's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import helper
from onnx.reference import ReferenceEvaluator

from vs_espcn.networks import graph, registry
from vs_espcn.runtime.shuffle import interleave, without_shuffle


@pytest.mark.parametrize("network", ["espcn", "subpixel-m"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_samples_are_those_of_the_graph(network: str, scale: int) -> None:
    """By onnx's own slow evaluator."""
    loaded = registry.load_network(registry.find(network, scale).path)
    plain = graph.build_graph(loaded, graph.UINT8, full_range=False, width=9, height=7)
    bare, side = without_shuffle(plain)
    assert side == scale
    codes = np.random.default_rng(0).integers(0, 256, (1, 1, 7, 9), np.uint8)
    expected, phases = (
        ReferenceEvaluator(model).run(None, {graph.FRAME_NAME: codes})[0] for model in (plain, bare)
    )
    upscaled = np.empty((scale * 7, scale * 9), np.uint8)
    interleave(np.ascontiguousarray(phases[0]), upscaled)
    assert np.array_equal(upscaled, expected[0, 0])


@pytest.mark.parametrize("mode", ["DCR", None])
def test_another_order_of_channels_is_left_alone(mode: str | None) -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    shuffle = network.graph.node[-1]
    del shuffle.attribute[:]
    shuffle.attribute.append(helper.make_attribute("blocksize", 2))
    if mode:
        shuffle.attribute.append(helper.make_attribute("mode", mode))
    plain = graph.build_graph(network, graph.UINT8, full_range=False, width=9, height=7)
    assert without_shuffle(plain) == (plain, 1)


def test_a_network_that_ends_in_something_else_is_left_alone() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    network.graph.node[-1].output[0] = "shuffled"
    network.graph.node.append(helper.make_node("Identity", ["shuffled"], [registry.OUTPUT_NAME]))
    plain = graph.build_graph(network, graph.UINT8, full_range=False, width=9, height=7)
    assert without_shuffle(plain) == (plain, 1)


@given(
    side=st.integers(2, 8),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float16, np.float32]),
    padding=st.sampled_from([0, 32]),
    data=st.data(),
)
def test_every_sample_comes_to_its_place(
    side: int, size: tuple[int, int], dtype: type[np.generic], padding: int, data: st.DataObject
) -> None:
    """Into planes whose rows lie apart, as a frame's do."""
    height, width = size
    phases = data.draw(arrays.arrays(dtype, (height, width, side * side), elements={"allow_nan": False}))
    frame = np.zeros((side * height, side * width + padding), dtype)
    interleave(phases, frame[:, : side * width])
    for row in range(side * height):
        for column in range(side * width):
            place = side * (row % side) + column % side
            assert frame[row, column] == phases[row // side, column // side, place]
    assert not frame[:, side * width :].any()
