"""int8 networks as TensorRT takes them, computed by onnxruntime."""

import numpy as np
import onnx
import onnxruntime
import pytest

from vs_espcn.networks import graph, registry
from vs_espcn.networks.centred_codes import with_centred_codes

INT8 = [spec for spec in registry.shipped() if spec.is_int8]


def run(model: onnx.ModelProto, frame: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # biases that are not used any more
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {graph.FRAME_NAME: frame})[0].astype(np.int64)


@pytest.mark.parametrize("spec", INT8, ids=lambda spec: spec.path.stem)
@pytest.mark.parametrize(("depth", "full_range"), [(8, False), (8, True), (16, False)])
def test_they_compute_the_same_to_the_border(spec: registry.ModelSpec, depth: int, full_range: bool) -> None:
    sample = graph.UINT8 if depth == 8 else graph.UINT16[depth]
    network = registry.load_network(spec.path)
    model = graph.build_graph(network, sample, full_range=full_range, width=40, height=30)
    centred = with_centred_codes(model)
    onnx.checker.check_model(centred, full_check=True)
    for frame in (
        np.random.default_rng(1).integers(0, int(sample.peak) + 1, (1, 1, 30, 40)).astype(sample.dtype),
        np.full((1, 1, 30, 40), int(sample.peak), sample.dtype),
        np.zeros((1, 1, 30, 40), sample.dtype),
    ):
        expected, result = run(model, frame), run(centred, frame)
        differences = np.abs(result - expected) / (sample.peak / 255)
        assert differences.max() <= 3  # a value halfway between two codes is rounded to the other
        assert differences.mean() < 0.1
        inner = differences[..., 8:-8, 8:-8].mean()
        assert differences.mean() <= inner + 0.05  # the border is no worse


def test_all_codes_are_centred() -> None:
    model = with_centred_codes(registry.load_network(registry.find("espcn-int8", 2).path))
    constants = {each.name: each for each in model.graph.initializer}
    rounds = {"QuantizeLinear", "DequantizeLinear"}
    zeros = [node.input[2] for node in model.graph.node if node.op_type in rounds]
    assert zeros
    for name in zeros:
        assert not onnx.numpy_helper.to_array(constants[name]).any()
        assert constants[name].data_type == onnx.TensorProto.INT8


def test_a_network_of_floats_stays_as_it_is() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    assert with_centred_codes(network) == network
