"""OpenVINO's own texts, of many lines, stay out of the way until they are asked for."""

import logging

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from tests.small_networks import conv, kernel, network, shuffle
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph
from vs_espcn.runtime.backends import OpenVINO
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.openvino_errors import openvino_reason

ENDS = [conv("x", "kernel", "phases"), shuffle("phases", "upscaled", 2)]


def graph_of(node: NodeProto, *, domain: str = "", **constants: object) -> ModelProto:
    made = network([node, *ENDS], {"kernel": kernel(4, 1), **constants})
    if domain:
        made.opset_import.append(helper.make_opsetid(domain, 1))
    return graph.build_graph(made, graph.UINT8, full_range=False, width=16, height=16)


def with_groups() -> ModelProto:
    model = graph_of(helper.make_node("Relu", ["luma"], ["x"]))
    for node in model.graph.node:
        if node.op_type == "Conv":
            node.attribute.append(helper.make_attribute("group", 7))
    return model


CASES = {
    "an operator of others": (
        graph_of(helper.make_node("Foo", ["luma"], ["x"], domain="bar"), domain="bar"),
        "it has no operator bar.Foo",
    ),
    "groups that do not divide": (with_groups(), "is incompatible with input shape"),
    "complex numbers": (
        graph_of(helper.make_node("Add", ["luma", "c"], ["x"]), c=np.zeros(1, np.complex64)),
        "Unsupported data type COMPLEX64",
    ),
    "double weights": (
        graph_of(helper.make_node("Add", ["luma", "d"], ["x"]), d=np.zeros(1, np.float64)),
        "",
    ),
}


@pytest.mark.parametrize(("model", "words"), CASES.values(), ids=CASES.keys())
def test_one_line_says_what_openvino_cannot_do(
    model: ModelProto, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO, "vs_espcn"),
        pytest.raises(BackendError, match=r"^OpenVINO cannot run the network on CPU: ") as raised,
    ):
        open_engine(OpenVINO(precision="fp32"), model, lanes=1)
    text = str(raised.value)
    assert words in text
    assert len(text) < 260
    assert not any(inner in text for inner in ("src/", ".cpp", "FrontEnd", "Check '"))
    assert any("Exception from src/" in record.message for record in caplog.records)


def test_tensors_that_cannot_be_held_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from vs_espcn.runtime import openvino  # noqa: PLC0415 - loads the runtime

    def no_memory(*_: object, **__: object) -> None:
        raise RuntimeError(
            "Exception from src/core.cpp:1:\nException from src/alloc.cpp:9:\nstd::bad_alloc\n\n"
        )

    monkeypatch.setattr(openvino, "OpenVINOSlot", no_memory)
    sound = graph_of(helper.make_node("Relu", ["luma"], ["x"]))
    with pytest.raises(BackendError, match=r"^OpenVINO cannot hold the network's tensors: std::bad_alloc$"):
        open_engine(OpenVINO(precision="fp32"), sound, lanes=1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "RuntimeError"),
        ("[GPU] out of memory", "[GPU] out of memory"),
        ("Exception from src/a.cpp:1:\nobject is not initialized\n", "object is not initialized"),
        ("Exception from src/a.cpp:1:\n", "Exception from src/a.cpp:1:"),
        ("x" * 500, "x" * 200),
    ],
)
def test_something_is_said_in_any_case(text: str, reason: str) -> None:
    assert openvino_reason(RuntimeError(text)) == reason
