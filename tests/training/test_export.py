from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from vs_espcn.networks.registry import load_network, network_metadata
from vs_espcn.training.export import save_onnx, to_onnx
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Espcn


def session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("espcn", "tanh"),
        ("espcn", "relu"),
        ("srcnn-915", "relu"),
        ("srcnn-955", "tanh"),
        ("tnrd", "gaussians"),
        ("subpixel-s", "leaky"),
        ("subpixel-l", "tanh"),
    ],
)
def test_onnxruntime_computes_what_torch_computes(scale: int, name: str, activation: str) -> None:
    torch.manual_seed(scale)
    network = make_network(name, scale, activation)
    ours = session(to_onnx(network, {}).SerializeToString())
    for height, width in ((1, 1), (7, 12), (33, 20)):
        luma = torch.rand(1, 1, height, width)
        (upscaled,) = ours.run(["upscaled"], {"luma": luma.numpy()})
        torch.testing.assert_close(torch.from_numpy(upscaled), network(luma), atol=2e-6, rtol=0)


def test_a_baseline_is_a_network_of_the_filter(tmp_path: Path) -> None:
    path = tmp_path / "srcnn.onnx"
    torch.manual_seed(0)
    save_onnx(make_network("srcnn-915", 2), path, {})
    network = load_network(path)
    assert network_metadata(network) == {"scale": "2", "network": "srcnn-915"}
    assert [node.op_type for node in network.graph.node][:3] == ["Resize", "Sub", "Mul"]


def test_the_file_keeps_to_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "espcn_x3.onnx"
    save_onnx(Espcn(3), path, {"recipe": "modern", "steps": "12"})
    model = onnx.load(path)
    assert model.ir_version <= 10
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert {prop.key: prop.value for prop in model.metadata_props} == {
        "scale": "3",
        "network": "espcn",
        "recipe": "modern",
        "steps": "12",
    }
    assert [node.op_type for node in model.graph.node] == [
        "Sub",
        "Mul",
        "Conv",
        "Tanh",
        "Conv",
        "Tanh",
        "Conv",
        "DepthToSpace",
    ]
    luma, upscaled = model.graph.input[0], model.graph.output[0]
    for value, name, sides in (
        (luma, "luma", ["height", "width"]),
        (upscaled, "upscaled", ["3*height", "3*width"]),
    ):
        assert value.name == name
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_value for dim in dims[:2]] == [1, 1]
        assert [dim.dim_param for dim in dims[2:]] == sides


def test_a_subpixel_network_is_plain_convolutions_and_one_addition() -> None:
    nodes = to_onnx(make_network("subpixel-s", 2), {}).graph.node
    kinds = [node.op_type for node in nodes]
    assert kinds == ["Sub", "Mul", *["Conv", "LeakyRelu"] * 5, "Conv", "Conv", "Add", "DepthToSpace"]


def test_files_hold_bfloat16_weights(tmp_path: Path) -> None:
    network = Espcn(3)
    save_onnx(network, tmp_path / "network.onnx", {})
    stored = onnx.load(tmp_path / "network.onnx").graph.initializer
    weights = {each.name: numpy_helper.to_array(each) for each in stored if each.name.endswith("weight")}
    assert len(weights) == 3
    for name, weight in weights.items():
        assert (weight.view(np.uint32) & 0xFFFF == 0).all(), name
        trained = network.state_dict()[name].numpy() / (4 if name.startswith("conv3") else 1)
        np.testing.assert_allclose(weight, trained, rtol=2**-8)
