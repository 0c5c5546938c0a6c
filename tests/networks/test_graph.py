from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from vs_espcn.errors import InputError
from vs_espcn.networks import graph, registry

SCALES = (2, 3, 4)


def run(model: onnx.ModelProto, array: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (output,) = session.run(None, {session.get_inputs()[0].name: array[None, None]})
    return output[0, 0]


def expected_codes(network: onnx.ModelProto, codes: np.ndarray, *, full_range: bool) -> np.ndarray:
    """The definition, in float64 around the bare network: codes not yet rounded."""
    if full_range:
        luma = (16 + 219 * codes.astype(np.float64) / 255) / 255
        upscaled = run(network, luma.astype(np.float32)).astype(np.float64)
        unclamped = (upscaled * 255 - 16) * 255 / 219
    else:
        unclamped = run(network, (codes / 255).astype(np.float32)).astype(np.float64) * 255
    return np.clip(unclamped, 0, 255)


@settings(deadline=None, max_examples=30)
@given(
    scale=st.sampled_from(SCALES),
    full_range=st.booleans(),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_codes_are_the_networks_luma_clamped_and_rounded(
    scale: int, full_range: bool, width: int, height: int, seed: int
) -> None:
    network = registry.load_network(registry.find("espcn", scale).path)
    codes = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    model = graph.build_graph(network, graph.UINT8, full_range=full_range, width=width, height=height)
    onnx.checker.check_model(model, full_check=True)

    result = run(model, codes)

    assert result.dtype == np.uint8
    expected = expected_codes(network, codes, full_range=full_range)
    # Half a code is what rounding may add; the rest is float32's.
    assert np.abs(result - expected).max() < 0.501


@pytest.mark.parametrize("full_range", [False, True])
def test_float_carrier_holds_the_same_codes(full_range: bool) -> None:
    network = registry.load_network(registry.find("espcn", 3).path)
    codes = np.random.default_rng(1).integers(0, 256, (19, 23), dtype=np.uint8)
    shape = {"full_range": full_range, "width": 23, "height": 19}

    integer = run(graph.build_graph(network, graph.UINT8, **shape), codes)
    carried = run(graph.build_graph(network, graph.UINT8.in_float(), **shape), codes.astype(np.float32))

    assert carried.dtype == np.float32
    assert np.array_equal(carried, integer)


@pytest.mark.parametrize(
    ("scale", "full_range"), [(scale, full) for scale in SCALES for full in (False, True)]
)
def test_black_and_white_survive(scale: int, full_range: bool) -> None:
    """Flat areas keep their level, to 2 codes, where no border is near."""
    network = registry.load_network(registry.find("espcn", scale).path)
    model = graph.build_graph(network, graph.UINT8, full_range=full_range, width=32, height=32)
    for code in (0, 255) if full_range else (16, 235):
        flat = run(model, np.full((32, 32), code, np.uint8))
        inside = flat[8 * scale : -8 * scale, 8 * scale : -8 * scale]
        assert np.abs(inside.astype(int) - code).max() <= 2


def test_pixel_shuffle_is_inside() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=64, height=48)

    assert "DepthToSpace" in {node.op_type for node in model.graph.node}
    shape = model.graph.output[0].type.tensor_type.shape
    assert [dim.dim_value for dim in shape.dim] == [1, 1, 96, 128]
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_the_network_is_not_changed() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    before = network.SerializeToString(deterministic=True)
    graph.build_graph(network, graph.UINT8, full_range=True, width=8, height=8)
    assert network.SerializeToString(deterministic=True) == before


class TestLoadNetwork:
    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot read the network"):
            registry.load_network(tmp_path / "absent.onnx")

    @pytest.mark.parametrize("content", [b"", b"garbage", bytes(range(256)) * 20])
    def test_not_onnx(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "bad.onnx"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.onnx"):
            registry.load_network(path)

    def test_another_kind_of_network(self, tmp_path: Path) -> None:
        value = helper.make_tensor_value_info
        other = helper.make_model(
            helper.make_graph(
                [helper.make_node("Relu", ["x"], ["y"])],
                "other",
                [value("x", onnx.TensorProto.FLOAT, [1])],
                [value("y", onnx.TensorProto.FLOAT, [1])],
            ),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=10,
        )
        onnx.save(other, tmp_path / "other.onnx")
        with pytest.raises(
            InputError, match=r"not a network of vs_espcn: it has inputs and outputs \['x', 'y'\]"
        ):
            registry.load_network(tmp_path / "other.onnx")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, tmp_path: Path, value: float) -> None:
        model = onnx.load(registry.find("espcn", 2).path)
        weight = max(model.graph.initializer, key=lambda each: len(each.raw_data))
        array = numpy_helper.to_array(weight).copy()
        array.flat[7] = value
        weight.CopyFrom(numpy_helper.from_array(array, weight.name))
        onnx.save(model, tmp_path / "broken.onnx")
        with pytest.raises(InputError, match="not finite"):
            registry.load_network(tmp_path / "broken.onnx")
