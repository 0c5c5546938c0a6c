"""Files that were made to harm: each ends in one line, soon, and nothing outside its folder is read."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from tests.small_networks import conv, kernel, network, shuffle
from vs_espcn.errors import InputError
from vs_espcn.networks.file_checks import MOST_NODES
from vs_espcn.networks.registry import load_network


def whole() -> ModelProto:
    nodes = [conv("luma", "weights", "phases"), shuffle("phases", "upscaled", 2)]
    return network(nodes, {"weights": kernel(4, 1)})


def external(model: ModelProto, **entries: str) -> None:
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weights.external_data.add(key=key, value=value)


def metadata(model: ModelProto, scale: str) -> None:
    for entry in model.metadata_props:
        if entry.key == "scale":
            entry.value = scale


def chain(model: ModelProto, length: int) -> None:
    nodes = [helper.make_node("Relu", ["luma"], ["r0"])]
    nodes += [helper.make_node("Relu", [f"r{number}"], [f"r{number + 1}"]) for number in range(length)]
    model.graph.node[0].input[0] = f"r{length}"
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])


def function(name: str, calls: str, times: int) -> FunctionProto:
    values = [f"v{number}" for number in range(times + 1)]
    nodes = [
        helper.make_node(
            calls, [values[number]], [values[number + 1]], domain="" if calls == "Relu" else "own"
        )
        for number in range(times)
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, [values[0]], [values[-1]], nodes, opsets)


def exploding(model: ModelProto) -> None:
    """Thirty functions that call each other ten times: 10³⁰ operations."""
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.append(function("f0", "Relu", 10))
    model.functions.extend(function(f"f{number}", f"f{number - 1}", 10) for number in range(1, 30))
    model.graph.node.insert(0, helper.make_node("f29", ["luma"], ["exploded"], domain="own"))
    model.graph.node[1].input[0] = "exploded"


def branch(model: ModelProto, *nodes: NodeProto) -> None:
    """Put nodes that end in `taken` where only an If comes by."""
    value = helper.make_tensor_value_info("taken", TensorProto.FLOAT, None)
    body = helper.make_graph(nodes, "body", [], [value])
    other = helper.make_graph([helper.make_node("Relu", ["luma"], ["taken"])], "other", [], [value])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    node = helper.make_node("If", ["condition"], ["chosen"], then_branch=body, else_branch=other)
    model.graph.node.insert(0, node)
    model.graph.node[1].input[0] = "chosen"


def exploding_in_a_branch(model: ModelProto) -> None:
    exploding(model)
    del model.graph.node[0]
    branch(model, helper.make_node("f29", ["luma"], ["taken"], domain="own"))


def chain_in_a_branch(model: ModelProto) -> None:
    names = ["luma", *(f"r{number}" for number in range(20_000)), "taken"]
    branch(model, *(helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)))


def exploding_behind_a_harmless_one(model: ModelProto) -> None:
    """Functions of one name, told apart by their overload."""
    exploding(model)
    for each in model.functions:
        each.overload = "large"
        for node in each.node:
            node.overload = "large" if node.domain else ""
    model.graph.node[0].overload = "large"
    model.functions.extend(function(f"f{number}", "Relu", 1) for number in range(30))


def circular(model: ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.extend([function("f0", "f1", 1), function("f1", "f0", 1)])
    model.graph.node.insert(0, helper.make_node("f0", ["luma"], ["turned"], domain="own"))
    model.graph.node[1].input[0] = "turned"


def strange_type(model: ModelProto) -> None:
    model.graph.initializer[0].data_type = 999


def texts(model: ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("weights", TensorProto.STRING, [1], [b"not a number"])
    )


def constant_nan(model: ModelProto) -> None:
    values = np.full((4, 1, 3, 3), np.nan, np.float32)
    node = helper.make_node("Constant", [], ["weights"], value=numpy_helper.from_array(values))
    del model.graph.initializer[:]
    model.graph.node.insert(0, node)


def constant(model: ModelProto, **value: object) -> None:
    """A constant that is added to the picture."""
    model.graph.node.insert(0, helper.make_node("Constant", [], ["added"], **value))
    model.graph.node.insert(1, helper.make_node("Add", ["luma", "added"], ["sum"]))
    model.graph.node[2].input[0] = "sum"


def constant_in_a_branch(model: ModelProto) -> None:
    nan = numpy_helper.from_array(np.array([np.nan], np.float32))
    branch(
        model,
        helper.make_node("Constant", [], ["added"], value=nan),
        helper.make_node("Add", ["luma", "added"], ["taken"]),
    )


def nested_branches(depth: int) -> NodeProto:
    inner = nested_branches(depth - 1) if depth else helper.make_node("Relu", ["luma"], ["taken0"])
    name = inner.output[0]
    body = helper.make_graph(
        [inner], "body", [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)]
    )
    return helper.make_node("If", ["condition"], [f"taken{depth + 1}"], then_branch=body, else_branch=body)


def deep_branches(model: ModelProto) -> None:
    node = nested_branches(7)
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    model.graph.node.insert(0, node)
    model.graph.node[1].input[0] = node.output[0]


def huge_block(model: ModelProto) -> None:
    for attribute in model.graph.node[1].attribute:
        if attribute.name == "blocksize":
            attribute.i = 1 << 62


def many_weights(model: ModelProto) -> None:
    one = np.zeros(1, np.float32)
    model.graph.initializer.extend(numpy_helper.from_array(one, f"w{number}") for number in range(10_000))


def groups(model: ModelProto, number: int) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("group", number))


def opset(model: ModelProto, version: int) -> None:
    model.opset_import[0].version = version


def twice(model: ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def external_constant(model: ModelProto) -> None:
    constant_nan(model)
    held = model.graph.node[0].attribute[0].t
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="../outside")


CASES: dict[str, Callable[[ModelProto], None]] = {
    "external data, negative offset": lambda model: external(model, location="w", offset="-8"),
    "external data, too long": lambda model: external(model, location="w", length="100000000000"),
    "external data, no number": lambda model: external(model, location="w", offset="eight"),
    "external data, 5,000 digits": lambda model: external(model, location="w", offset="9" * 5000),
    "external data, outside": lambda model: external(model, location="../outside"),
    "external data, a device": lambda model: external(model, location="/dev/zero"),
    "external data, missing": lambda model: external(model, location="absent"),
    "scale of 5,000 digits": lambda model: metadata(model, "2" * 5000),
    "scale in other digits": lambda model: metadata(model, "٢"),
    "scale 0": lambda model: metadata(model, "0"),
    "a chain": lambda model: chain(model, 20_000),
    "exploding functions": exploding,
    "exploding functions in a branch": exploding_in_a_branch,
    "a chain in a branch": chain_in_a_branch,
    "exploding functions behind harmless ones": exploding_behind_a_harmless_one,
    "functions that call each other": circular,
    "an unknown type": strange_type,
    "texts as weights": texts,
    "NaN in a constant": constant_nan,
    "NaN in a branch": constant_in_a_branch,
    "NaN among floats": lambda model: constant(model, value_floats=[float("nan")]),
    "infinity as a float": lambda model: constant(model, value_float=float("inf")),
    "branches in branches": deep_branches,
    "a huge pixel shuffle": huge_block,
    "10,000 arrays of weights": many_weights,
    "no groups": lambda model: groups(model, 0),
    "fewer groups than none": lambda model: groups(model, -1),
    "opset 9999": lambda model: opset(model, 9999),
    "two arrays of one name": twice,
    "external data of a constant, outside": external_constant,
}


@pytest.mark.parametrize("spoil", CASES.values(), ids=CASES.keys())
def test_one_line_says_what_is_wrong(spoil: Callable[[ModelProto], None], tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "w").write_bytes(b"\0" * 144)
    (tmp_path / "outside").write_bytes(b"\0" * 144)
    model = whole()
    spoil(model)
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError) as raised:
        load_network(path)
    assert str(path) in str(raised.value)
    assert len(str(raised.value)) < 1000 + len(str(path))
    assert "\n" not in str(raised.value)


NOT_FINITE = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}
FLOATS = {
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}


def tensor(value: float, data_type: int = TensorProto.FLOAT, name: str = "added") -> TensorProto:
    """Ten numbers, of which one is `value`."""
    return helper.make_tensor(name, data_type, [10], [0.5] * 7 + [value] + [0.5] * 2)


def loop(model: ModelProto, *nodes: NodeProto, **body: object) -> None:
    """Put nodes that make `taken` of `given` into a loop."""
    flag = helper.make_tensor_value_info("goes on", TensorProto.BOOL, [])
    number = helper.make_tensor_value_info("number", TensorProto.INT64, [])
    value, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("taken", "given")
    )
    same = helper.make_node("Identity", ["goes on"], ["still"])
    still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
    graph = helper.make_graph([same, *nodes], "body", [number, flag, given], [still, value], **body)
    model.graph.initializer.append(numpy_helper.from_array(np.array(1), "times"))
    model.graph.node.insert(0, helper.make_node("Loop", ["times", "", "luma"], ["looped"], body=graph))
    model.graph.node[1].input[0] = "looped"


def add(source: str, target: str) -> NodeProto:
    return helper.make_node("Add", [source, "added"], [target])


def in_weights(model: ModelProto, value: float) -> None:
    values = numpy_helper.to_array(model.graph.initializer[0]).copy()
    values[1, 0, 2, 0] = value
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "weights"))


def in_external_data(model: ModelProto, value: float) -> None:
    Path("values").write_bytes(np.array([0.5] * 35 + [value], np.float32).tobytes())
    external(model, location="values")


def in_constant_of_shape(model: ModelProto, value: float) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 1, 1, 1]), "shape"))
    filled = helper.make_tensor("value", TensorProto.FLOAT, [1], [value])
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["shape"], ["added"], value=filled))
    model.graph.node.insert(1, add("luma", "sum"))
    model.graph.node[2].input[0] = "sum"


def in_function(model: ModelProto, value: float) -> None:
    model.opset_import.append(helper.make_opsetid("own", 1))
    nodes = [helper.make_node("Constant", [], ["added"], value=tensor(value)), add("given", "taken")]
    opsets = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("own", "shift", ["given"], ["taken"], nodes, opsets))
    model.graph.node.insert(0, helper.make_node("shift", ["luma"], ["shifted"], domain="own"))
    model.graph.node[1].input[0] = "shifted"


def in_sparse_constant(model: ModelProto, value: float) -> None:
    values = helper.make_tensor("values", TensorProto.FLOAT, [1], [value])
    places = helper.make_tensor("places", TensorProto.INT64, [1], [0])
    constant(model, sparse_value=helper.make_sparse_tensor(values, places, [1]))


def in_sparse_weights(model: ModelProto, value: float) -> None:
    values = helper.make_tensor("added", TensorProto.FLOAT, [1], [value])
    places = helper.make_tensor("places", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [1]))
    model.graph.node.insert(0, add("luma", "sum"))
    model.graph.node[1].input[0] = "sum"


def in_attribute(model: ModelProto, value: float) -> None:
    model.graph.node.insert(0, helper.make_node("LeakyRelu", ["luma"], ["leaky"], alpha=value))
    model.graph.node[1].input[0] = "leaky"


def in_constant_node(value: float, data_type: int = TensorProto.FLOAT) -> NodeProto:
    return helper.make_node("Constant", [], ["added"], value=tensor(value, data_type))


def in_loop_in_branch(model: ModelProto, value: float) -> None:
    """Its initializer, two graphs down."""
    inner = whole()
    loop(inner, add("given", "taken"), initializer=[tensor(value)])
    nodes = [inner.graph.node[0], helper.make_node("Relu", ["looped"], ["chosen one"])]
    model.graph.initializer.append(numpy_helper.from_array(np.array(1), "times"))
    branch(model, *nodes, helper.make_node("Identity", ["chosen one"], ["taken"]))


PLACES: dict[str, Callable[[ModelProto, float], None]] = {
    "weights": in_weights,
    "external data": in_external_data,
    "constant of a shape": in_constant_of_shape,
    "function": in_function,
    "sparse constant": in_sparse_constant,
    "sparse weights": in_sparse_weights,
    "attribute": in_attribute,
    "one float": lambda model, value: constant(model, value_float=value),
    "floats": lambda model, value: constant(model, value_floats=[0.5, value]),
    "branch, constant": lambda model, value: branch(model, in_constant_node(value), add("luma", "taken")),
    "loop, constant": lambda model, value: loop(model, in_constant_node(value), add("given", "taken")),
    "loop, weights": lambda model, value: loop(model, add("given", "taken"), initializer=[tensor(value)]),
    "loop in a branch": in_loop_in_branch,
} | {
    f"constant in {name}": lambda model, value, data_type=data_type: constant(
        model, value=tensor(value, data_type)
    )
    for name, data_type in FLOATS.items()
}


@pytest.mark.parametrize("value", NOT_FINITE.values(), ids=NOT_FINITE.keys())
@pytest.mark.parametrize("hide", PLACES.values(), ids=PLACES.keys())
def test_what_is_not_finite_is_found_wherever_it_hides(
    hide: Callable[[ModelProto, float], None], value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = whole()
    hide(model, value)
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"holds weights that are not finite in '.+'; export it again"):
        load_network(path)


@pytest.mark.parametrize("hide", PLACES.values(), ids=PLACES.keys())
def test_what_is_finite_is_no_obstacle(
    hide: Callable[[ModelProto, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the test before this one would show nothing."""
    monkeypatch.chdir(tmp_path)
    model = whole()
    hide(model, 0.25)
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    load_network(path)


def test_the_sound_one_loads(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(whole().SerializeToString())
    assert len(load_network(path).graph.node) == 2 < MOST_NODES


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_what_is_no_file_is_refused_without_reading(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    (tmp_path / "zero.onnx").symlink_to("/dev/zero")
    for path in (pipe, tmp_path / "zero.onnx", tmp_path):
        with pytest.raises(InputError, match="is not a regular file; give the path of an ONNX file"):
            load_network(path)


def test_a_file_that_is_too_large_is_refused_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="has 1048576 MB; a network has at most 256 MB"):
        load_network(path)
