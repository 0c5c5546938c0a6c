"""Tiles that overlap by the reach give what the whole frame gives, by onnxruntime; what has none is named."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from tests.small_networks import conv, kernel, network, shuffle
from vs_espcn.networks import registry
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.tiling import Tiling, scaled

node = helper.make_node
UP = np.array([1, 1, 2, 2], np.float32)
HALF = np.array([1, 1, 0.5, 0.5], np.float32)
ONE, THREE, FOUR = kernel(1, 1), kernel(3, 1), kernel(4, 1)
BORDER = np.array([0, 0, 2, 1, 0, 0, 2, 1], np.int64)


def resize(source: str, target: str, scales: str = "up", **options: object) -> NodeProto:
    return node("Resize", [source, "", scales], [target], **options)


def then_conv(*nodes: NodeProto) -> list[NodeProto]:
    """What makes `x` of the luma, then a convolution of 3×3."""
    return [*nodes, conv("x", "one", "upscaled")]


CONSTANTS: dict[str, object] = {
    "one": ONE,
    "three": THREE,
    "four": FOUR,
    "five": kernel(1, 1, 5),
    "up": UP,
    "half": HALF,
    "border": BORDER,
    "rows": np.array([-2, -1], np.int64),
    "plane": np.linspace(0, 1, 60, dtype=np.float32),
    "level": np.float32(0.3),
    "mean": np.zeros(1, np.float32),
    "var": np.ones(1, np.float32),
    "by four": kernel(1, 1, 4),
    "from three": kernel(1, 3),
    "square": np.eye(60, dtype=np.float32),
    "true": np.array(True),
    "least": np.array([-(1 << 60)], np.int64),
    "back": np.array([-1], np.int64),
    "axis": np.array([3], np.int64),
    "width": np.array(3, np.int64),
    "sizes": np.array([1, 1, 120, 120], np.int64),
    "stretch": np.array([1, 1, 1.5, 1.5], np.float32),
    "by 3": np.array([1, 1, 3, 3], np.float32),
    "crop": np.array([0, 0, -1, -1, 0, 0, 1, 1], np.int64),
    "steps": np.full(60, 0.01, np.float32),
    "zeros": np.zeros(60, np.uint8),
}

KNOWN: dict[str, tuple[list[NodeProto], int, int]] = {
    "3x3": ([conv("luma", "four", "x"), shuffle("x", "upscaled", 2)], 2, 1),
    "5x5, then 3x3": (then_conv(conv("luma", "five", "x", 2)), 1, 3),
    "dilated": (then_conv(node("Conv", ["luma", "one"], ["x"], pads=[4] * 4, dilations=[4, 4])), 1, 5),
    "kept by auto_pad": (then_conv(node("Conv", ["luma", "by four"], ["x"], auto_pad="SAME_UPPER")), 1, 3),
    "nearest": (then_conv(resize("luma", "x", mode="nearest")), 2, 1),
    "linear": (then_conv(resize("luma", "x", mode="linear")), 2, 1),
    "cubic": (then_conv(resize("luma", "x", mode="cubic")), 2, 2),
    "cubic, from the corner": (
        then_conv(resize("luma", "x", mode="cubic", coordinate_transformation_mode="asymmetric")),
        2,
        3,
    ),
    "linear by three": (then_conv(resize("luma", "x", "by 3", mode="linear")), 3, 1),
    "up and down again": (
        then_conv(resize("luma", "w", mode="cubic"), resize("w", "x", "half", mode="linear")),
        1,
        3,
    ),
    "added to what is resized": (
        [
            conv("luma", "four", "d"),
            shuffle("d", "detail", 2),
            resize("luma", "smooth", mode="cubic"),
            node("Add", ["detail", "smooth"], ["upscaled"]),
        ],
        2,
        2,
    ),
    "transposed": (
        then_conv(node("ConvTranspose", ["luma", "by four"], ["x"], strides=[2, 2], pads=[1] * 4)),
        2,
        1,
    ),
    "a pool of 3x3": (then_conv(node("MaxPool", ["luma"], ["x"], kernel_shape=[3, 3], pads=[1] * 4)), 1, 2),
    "a shifting pool": (
        then_conv(node("AveragePool", ["luma"], ["x"], kernel_shape=[2, 2], pads=[0, 0, 1, 1])),
        1,
        2,
    ),
    "edges mirrored": (
        [
            node("Pad", ["luma", "border"], ["p"], mode="reflect"),
            node("Conv", ["p", "one"], ["q"], pads=[0, 0, 0, 0]),
            node("Conv", ["q", "three"], ["r"], pads=[0, 1, 0, 1]),
            conv("r", "from three", "upscaled"),
        ],
        1,
        3,
    ),
    "constants": (
        then_conv(
            node("Constant", [], ["gain of all"], value_float=0.5),
            node("Mul", ["luma", "gain of all"], ["w"]),
            node("Add", ["w", "level"], ["v"]),
            node("BatchNormalization", ["v", "var", "mean", "mean", "var"], ["u"]),
            node("Clip", ["u", "", "level"], ["x"]),
        ),
        1,
        1,
    ),
    "smaller only after it was larger": (
        then_conv(
            resize("luma", "w", mode="linear"),
            node("Conv", ["w", "one"], ["x"], pads=[1] * 4, strides=[2, 2]),
        ),
        1,
        2,
    ),
}

UNKNOWN: dict[str, tuple[list[NodeProto], str]] = {
    "a norm of the frame": (
        then_conv(node("InstanceNormalization", ["luma", "var", "mean"], ["x"])),
        "InstanceNormalization",
    ),
    "a mean of the frame": (
        then_conv(
            node("ReduceMean", ["luma", "rows"], ["m"]),
            node("Sub", ["luma", "m"], ["x"]),
        ),
        "ReduceMean",
    ),
    "a pool of the frame": (
        then_conv(node("GlobalAveragePool", ["luma"], ["m"]), node("Mul", ["luma", "m"], ["x"])),
        "GlobalAveragePool",
    ),
    "a product over space": (then_conv(node("MatMul", ["luma", "square"], ["x"])), "MatMul"),
    "a softmax along a row": (then_conv(node("Softmax", ["luma"], ["x"], axis=3)), "Softmax"),
    "a sum along a row": (then_conv(node("CumSum", ["luma", "width"], ["x"])), "CumSum"),
    "a pool that leaves out samples": (
        then_conv(
            node("MaxPool", ["luma"], ["w"], kernel_shape=[2, 2], strides=[2, 2]),
            resize("w", "x", mode="nearest"),
        ),
        "MaxPool",
    ),
    "a convolution that leaves out samples": (
        then_conv(
            node("Conv", ["luma", "one"], ["w"], pads=[1] * 4, strides=[2, 2]),
            resize("w", "x", mode="linear"),
        ),
        "Conv",
    ),
    "blocks of samples": (
        [
            node("SpaceToDepth", ["luma"], ["w"], blocksize=2),
            shuffle("w", "x", 2),
            conv("x", "one", "upscaled"),
        ],
        "SpaceToDepth",
    ),
    "resized from corner to corner": (
        then_conv(resize("luma", "x", mode="linear", coordinate_transformation_mode="align_corners")),
        "Resize",
    ),
    "resized to a size": (
        then_conv(node("Resize", ["luma", "", "", "sizes"], ["x"], mode="linear")),
        "Resize",
    ),
    "the nearest of three": (then_conv(resize("luma", "x", "by 3", mode="nearest")), "Resize"),
    "a brighter right half": (then_conv(node("Add", ["luma", "plane"], ["x"])), "Add"),
    "columns with steps of their own": (
        [
            node("QuantizeLinear", ["luma", "steps", "zeros"], ["c"], axis=3),
            node("DequantizeLinear", ["c", "steps", "zeros"], ["x"], axis=3),
            conv("x", "one", "upscaled"),
        ],
        "QuantizeLinear",
    ),
    "a border from the other side": (
        [
            node("Pad", ["luma", "border"], ["p"], mode="wrap"),
            node("Conv", ["p", "one"], ["q"], pads=[0, 0, 0, 0]),
            node("Conv", ["q", "one"], ["upscaled"], pads=[0, 1, 0, 1]),
        ],
        "Pad",
    ),
    "cut and padded": (
        [
            node("Pad", ["luma", "crop"], ["p"]),
            conv("p", "one", "upscaled"),
        ],
        "Pad",
    ),
    "mirrored": (
        then_conv(node("Slice", ["luma", "back", "least", "axis", "back"], ["x"])),
        "Slice",
    ),
    "one beside the other": (
        [
            node("Split", ["luma"], ["a", "b"], axis=3, num_outputs=2),
            node("Concat", ["b", "a"], ["x"], axis=3),
            conv("x", "one", "upscaled"),
        ],
        "Split",
    ),
    "turned": (
        then_conv(node("Transpose", ["luma"], ["x"], perm=[0, 1, 3, 2])),
        "Transpose",
    ),
    "numbers of samples": (
        [
            node("MaxPool", ["luma"], ["w", "i"], kernel_shape=[3, 3], pads=[1] * 4),
            node("Cast", ["i"], ["x"], to=TensorProto.FLOAT),
            conv("x", "one", "upscaled"),
        ],
        "MaxPool",
    ),
    "weights from the frame": (
        [
            node("ReduceMean", ["luma", "rows"], ["m"]),
            node("Mul", ["one", "m"], ["w"]),
            conv("luma", "w", "upscaled"),
        ],
        "ReduceMean",
    ),
    "nothing of the frame": ([conv("noise", "one", "upscaled")], "output"),
}


def made_of(nodes: list[NodeProto], scale: int) -> ModelProto:
    used = {name for each in nodes for name in each.input}
    return network(nodes, {name: value for name, value in CONSTANTS.items() if name in used}, scale, opset=19)


def largest_seam(model: ModelProto, radius: int, *, scale: int, size: tuple[int, int]) -> float:
    """Largest difference between the smallest tiles that overlap enough and the whole frame."""
    session = onnxruntime.InferenceSession(model.SerializeToString())

    def upscaled(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {"luma": plane[None, None]})[0][0, 0]
        return result

    width, height = size
    plane = np.random.default_rng(0).random((height, width), np.float32)
    tiled = np.empty((height * scale, width * scale), np.float32)
    tile = (min(width, 2 * radius + 2), min(height, 2 * radius + 1))
    for each in Tiling(size=size, tile=tile, radius=radius).tiles:
        tiled[scaled(each.placed, scale)] = upscaled(plane[each.source])[scaled(each.kept, scale)]
    return float(np.abs(tiled - upscaled(plane)).max())


@pytest.mark.parametrize(("nodes", "scale", "radius"), KNOWN.values(), ids=KNOWN.keys())
def test_tiles_join(nodes: list[NodeProto], scale: int, radius: int) -> None:
    model = made_of(nodes, scale)
    assert reach_of(model).radius == radius
    assert largest_seam(model, radius, scale=scale, size=(31, 26)) < 1e-5


@pytest.mark.parametrize(("nodes", "operator"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_may_see_the_whole_frame_is_named(nodes: list[NodeProto], operator: str) -> None:
    reach = reach_of(made_of(nodes, 1))
    assert reach.radius is None
    assert reach.obstacle.split(" ")[0] == operator


def test_a_branch_may_see_anything() -> None:
    """What a branch takes from outside does not stand among its node's inputs."""
    value = helper.make_tensor_value_info("taken", TensorProto.FLOAT, [1, 1, None, None])
    body = helper.make_graph([node("GlobalMaxPool", ["luma"], ["taken"])], "body", [], [value])
    other = helper.make_graph([node("Relu", ["luma"], ["taken"])], "other", [], [value])
    chosen = node("If", ["true"], ["x"], then_branch=body, else_branch=other)
    assert reach_of(made_of(then_conv(chosen), 1)).obstacle == "If 'x'"


@pytest.mark.parametrize("spec", registry.shipped(), ids=lambda spec: spec.path.stem)
def test_every_shipped_network_has_a_reach_of_half_its_kernels(spec: registry.ModelSpec) -> None:
    model = registry.load_network(spec.path)
    weights = {each.name: tuple(each.dims) for each in model.graph.initializer}
    sizes = []
    for each in model.graph.node:
        if each.op_type == "Conv":
            shape = weights.get(each.input[1]) or weights[f"{each.input[1]}.codes"]
            sizes.append(shape[-1])
    # The skip, of 1×1, stands beside the others.
    assert reach_of(model).radius == sum(side // 2 for side in sizes)


GROW, SHRINK = {"resize", "transposed", "shuffle"}, {"down", "strided", "blocks"}


KEEP = {"conv", "dilated", "pool", "mirrored"}


def of_one_size(
    draw: st.DrawFn, kind: str, value: str, number: int, constants: dict[str, object]
) -> list[NodeProto]:
    """An operator whose result is as large as its input."""
    target, weights, side = f"v{number}", f"w{number}", draw(st.sampled_from([1, 3, 5]))
    constants[weights] = kernel(1, 1, side)
    match kind:
        case "dilated":
            pads = [side // 2 * 2] * 4
            return [node("Conv", [value, weights], [target], dilations=[2, 2], pads=pads)]
        case "pool":
            first = draw(st.integers(0, side - 1))
            pads = [first, side - 1 - first, side - 1 - first, first]
            pool = draw(st.sampled_from(["AveragePool", "MaxPool"]))
            return [node(pool, [value], [target], kernel_shape=[side, side], pads=pads)]
        case "mirrored":
            constants[f"p{number}"] = np.array([0, 0, side // 2, side // 2] * 2, np.int64)
            mode = draw(st.sampled_from(["reflect", "edge", "constant"]))
            padded = node("Pad", [value, f"p{number}"], [f"b{number}"], mode=mode)
            return [padded, node("Conv", [f"b{number}", weights], [target])]
        case _:
            return [conv(value, weights, target, side // 2)]


def of_another_size(
    draw: st.DrawFn, kind: str, value: str, number: int, constants: dict[str, object]
) -> list[NodeProto]:
    """An operator whose result has twice or half the sides of its input."""
    target, weights, side = f"v{number}", f"w{number}", draw(st.sampled_from([1, 3, 5]))
    match kind:
        case "resize" | "down":
            constants[f"s{number}"] = UP if kind == "resize" else HALF
            mode = draw(st.sampled_from(["linear", "cubic"]))
            centres = draw(st.sampled_from(["half_pixel", "asymmetric"]))
            return [resize(value, target, f"s{number}", mode=mode, coordinate_transformation_mode=centres)]
        case "transposed":
            constants[weights] = kernel(1, 1, 4)
            return [node("ConvTranspose", [value, weights], [target], strides=[2, 2], pads=[1] * 4)]
        case "shuffle":
            constants[weights] = kernel(4, 1, side)
            return [conv(value, weights, f"c{number}", side // 2), shuffle(f"c{number}", target, 2)]
        case "strided":
            constants[weights] = kernel(1, 1, side)
            return [node("Conv", [value, weights], [target], strides=[2, 2], pads=[side // 2] * 4)]
        case _:
            constants[weights] = kernel(1, 4, side)
            blocks = node("SpaceToDepth", [value], [f"d{number}"], blocksize=2)
            return [blocks, conv(f"d{number}", weights, target, side // 2)]


@st.composite
def chains(draw: st.DrawFn) -> tuple[ModelProto, int]:
    """Operators of known reach in any order, ending in as many samples as a whole scale makes."""
    nodes: list[NodeProto] = []
    constants: dict[str, object] = {}
    value, rate = "luma", 1
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(sorted(KEEP | GROW | SHRINK)))
        if (kind in SHRINK and rate == 1) or (kind in GROW and rate == 4):
            kind = "conv"
        operator = of_one_size if kind in KEEP else of_another_size
        nodes += operator(draw, kind, value, number, constants)
        rate = rate * 2 if kind in GROW else rate // 2 if kind in SHRINK else rate
        value = f"v{number}"
    constants["last"] = kernel(1, 1)
    nodes.append(conv(value, "last", "upscaled"))
    return network(nodes, constants, rate), rate


@settings(deadline=None, max_examples=60)
@given(chain=chains(), width=st.integers(24, 60), height=st.integers(24, 60))
def test_tiles_of_any_chain_join(chain: tuple[ModelProto, int], width: int, height: int) -> None:
    model, scale = chain
    radius = reach_of(model).radius
    assert radius is not None
    assert largest_seam(model, radius, scale=scale, size=(width, height)) < 1e-4


def test_networks_are_files(tmp_path: Path) -> None:
    """As they are read: with functions written out and old opsets converted."""
    path = tmp_path / "theirs.onnx"
    path.write_bytes(made_of(KNOWN["cubic"][0], 2).SerializeToString())
    assert reach_of(registry.load_network(path)).radius == 2
