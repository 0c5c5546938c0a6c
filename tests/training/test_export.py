from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from vs_espcn.training.export import save_onnx, to_onnx
from vs_espcn.training.network import Espcn


def session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_onnxruntime_computes_what_torch_computes(scale: int, activation: str) -> None:
    torch.manual_seed(scale)
    network = Espcn(scale, activation)
    ours = session(to_onnx(network, {}).SerializeToString())
    for height, width in ((1, 1), (7, 12), (33, 20)):
        luma = torch.rand(1, 1, height, width)
        (upscaled,) = ours.run(["upscaled"], {"luma": luma.numpy()})
        torch.testing.assert_close(torch.from_numpy(upscaled), network(luma), atol=1e-5, rtol=0)


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
