"""Networks as others make them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper


def conv(source: str, weights: str, target: str, pad: int = 1) -> NodeProto:
    """A convolution that keeps the size if its kernel is 2·pad + 1 wide."""
    return helper.make_node("Conv", [source, weights], [target], pads=[pad] * 4)


def shuffle(source: str, target: str, side: int) -> NodeProto:
    return helper.make_node("DepthToSpace", [source], [target], blocksize=side, mode="CRD")


def rounded(value: str) -> list[NodeProto]:
    """A value rounded to codes: a pair with one step, `codes.step`, for all of it."""
    code = ["codes.step", "codes.zero"]
    return [
        helper.make_node("QuantizeLinear", [value, *code], [f"{value}.codes"]),
        helper.make_node("DequantizeLinear", [f"{value}.codes", *code], [f"{value}.rounded"]),
    ]


def kernel(outputs: int, inputs: int, side: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(outputs).normal(0, 0.15, (outputs, inputs, side, side)).astype(np.float32)


def network(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, object],
    scale: object = 2,
    *,
    opset: int = 18,
    elem_type: int = TensorProto.FLOAT,
) -> ModelProto:
    """From ``luma`` to ``upscaled``."""
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "theirs",
            [helper.make_tensor_value_info("luma", elem_type, [1, 1, "h", "w"])],
            [helper.make_tensor_value_info("upscaled", elem_type, [1, 1, "H", "W"])],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    helper.set_model_props(made, {"scale": str(scale)})
    return made


def saved(made: ModelProto, folder: Path) -> Path:
    path = folder / "theirs.onnx"
    onnx.save(made, path)
    return path
