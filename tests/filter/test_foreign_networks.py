"""Networks that others made run as onnxruntime runs them, or are refused with a reason."""

import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

import vs_espcn
from tests.clips import largest_difference, noise_clip, samples
from tests.hardware import needs_exact_int8
from tests.small_networks import conv, kernel, network, rounded, saved, shuffle
from vs_espcn.networks import registry

SMALL: dict[str, object] = {"kernel": kernel(4, 1)}
SHUFFLED = [conv("luma", "kernel", "phases"), shuffle("phases", "upscaled", 2)]
CODES: dict[str, object] = {
    "codes.step": np.float32(1 / 255),
    "codes.zero": np.uint8(0),
    "kernel.codes": np.round(kernel(4, 1) / 0.01).clip(-127, 127).astype(np.int8),
    "kernel.step": np.float32(0.01),
    "kernel.zero": np.int8(3),
}
RESTORED = helper.make_node("DequantizeLinear", ["kernel.codes", "kernel.step"], ["kernel"])
FROM_ZERO = helper.make_node("DequantizeLinear", ["kernel.codes", "kernel.step", "kernel.zero"], ["kernel"])
ROUNDED = [*rounded("luma"), conv("luma.rounded", "kernel", "phases"), shuffle("phases", "upscaled", 2)]
INT8 = {
    "one step for a kernel": [RESTORED, *ROUNDED],
    "a zero as well": [FROM_ZERO, *ROUNDED],
    "first layer in floats": [
        RESTORED,
        conv("luma", "first", "features"),
        *rounded("features"),
        conv("features.rounded", "kernel", "phases"),
        shuffle("phases", "upscaled", 2),
    ],
}


def with_function() -> ModelProto:
    """An activation that is a function of the file's own."""
    body = [helper.make_node("Relu", ["x"], ["y"])]
    opset = [helper.make_opsetid("", 18)]
    call = helper.make_node("Act", ["phases"], ["active"], domain="theirs")
    made = network([SHUFFLED[0], call, shuffle("active", "upscaled", 2)], SMALL)
    made.functions.append(helper.make_function("theirs", "Act", ["x"], ["y"], body, opset))
    made.opset_import.append(helper.make_opsetid("theirs", 1))
    return made


TWICE = network(
    [
        conv("luma", "first", "many"),
        shuffle("many", "larger", 2),
        conv("larger", "second", "phases"),
        shuffle("phases", "upscaled", 2),
    ],
    {"first": kernel(32, 1), "second": kernel(4, 8)},
    4,
)
OLD = helper.make_node("DepthToSpace", ["phases"], ["upscaled"], blocksize=2)
CONSTANT = helper.make_node("Constant", [], ["kernel"], value=numpy_helper.from_array(kernel(4, 1)))
TRANSPOSED = helper.make_node("ConvTranspose", ["luma", "kernel"], ["upscaled"], strides=[2, 2], pads=[1] * 4)
RESIZED = helper.make_node("Resize", ["luma", "", "scales"], ["larger"], mode="nearest")
CLIPPED = helper.make_node("Clip", ["detail", "low", "high"], ["upscaled"])
SCALES = np.array([1, 1, 2, 2], np.float32)

RUN = {
    "two shuffles": TWICE,
    "a shuffle of one": network(
        [conv("luma", "kernel", "phases"), shuffle("phases", "upscaled", 1)], {"kernel": kernel(1, 1)}, 1
    ),
    "a step after the shuffle": network(
        [SHUFFLED[0], shuffle("phases", "detail", 2), CLIPPED],
        SMALL | {"low": np.float32(0.2), "high": np.float32(0.4)},
    ),
    "nearest first": network(
        [RESIZED, conv("larger", "kernel", "upscaled")], {"scales": SCALES, "kernel": kernel(1, 1)}
    ),
    "cubic, and detail added": network(
        [
            helper.make_node("Resize", ["luma", "", "scales"], ["larger"], mode="cubic"),
            conv("larger", "kernel", "detail"),
            helper.make_node("Add", ["larger", "detail"], ["upscaled"]),
        ],
        {"scales": SCALES, "kernel": kernel(1, 1)},
    ),
    "transposed": network([TRANSPOSED], {"kernel": kernel(1, 1, 4)}),
    "opset 9": network([SHUFFLED[0], OLD], SMALL, opset=9),
    "constant nodes": network([CONSTANT, *SHUFFLED], {}),
    "a function": with_function(),
}


def of_onnxruntime(made: ModelProto, given: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(made.SerializeToString())
    (luma,) = session.run(None, {"luma": given[None, None].astype(np.float32) / 255})
    codes: np.ndarray = np.clip(np.rint(luma[0, 0] * 255), 0, 255)
    return codes


@pytest.mark.parametrize("made", RUN.values(), ids=RUN.keys())
@pytest.mark.parametrize("tile", [None, (13, 11)], ids=["whole", "tiles"])
def test_they_run(made: ModelProto, tile: tuple[int, int] | None, tmp_path: Path) -> None:
    path = saved(made, tmp_path)
    scale = int(registry.network_metadata(made)["scale"])
    clip = noise_clip(vs.GRAY8, 22, 17)
    fp32 = vs_espcn.OpenVINO(precision="fp32")
    upscaled = vs_espcn.upscale(clip, scale, network=path, backend=fp32, tile=tile)
    assert largest_difference(samples(upscaled), of_onnxruntime(made, samples(clip))) <= 1


def of_whole_frame(*nodes: NodeProto) -> ModelProto:
    """Nodes from luma to `x`, which see the whole frame, and a convolution."""
    return network(
        [*nodes, conv("x", "kernel", "phases"), shuffle("phases", "upscaled", 2)],
        SMALL | {"one": np.ones(1, np.float32), "rows": np.array([-2, -1], np.int64)},
    )


WHOLE = {
    "InstanceNormalization": of_whole_frame(
        helper.make_node("InstanceNormalization", ["luma", "one", "one"], ["x"])
    ),
    "ReduceMean": of_whole_frame(
        helper.make_node("ReduceMean", ["luma", "rows"], ["mean"]),
        helper.make_node("Sub", ["luma", "mean"], ["x"]),
    ),
    "GlobalAveragePool": of_whole_frame(
        helper.make_node("GlobalAveragePool", ["luma"], ["mean"]),
        helper.make_node("Mul", ["luma", "mean"], ["x"]),
    ),
    "MatMul": of_whole_frame(
        helper.make_node("Transpose", ["luma"], ["turned"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["luma", "turned"], ["alike"]),
        helper.make_node("Softmax", ["alike"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "luma"], ["x"]),
    ),
}


@pytest.mark.parametrize("operator", WHOLE)
def test_what_sees_the_whole_frame_is_never_tiled(
    operator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vs_espcn.runtime.tiles.ACTIVATION_BUDGET", 1)  # of which espcn would make tiles
    path = saved(WHOLE[operator], tmp_path)
    clip = noise_clip(vs.GRAY8, 150, 90)
    upscaled = vs_espcn.upscale(clip, network=path, backend=vs_espcn.OpenVINO(precision="fp32"))
    assert largest_difference(samples(upscaled), of_onnxruntime(WHOLE[operator], samples(clip))) <= 1
    named = "Transpose" if operator == "MatMul" else operator
    with pytest.raises(
        vs.Error, match=f"tile is 64x64, and .* how far its {named} '.*' reaches is not known"
    ):
        vs_espcn.upscale(clip, network=path, tile=(64, 64))


def with_wide_kernel(dilation: int) -> ModelProto:
    wide = conv("luma", "kernel", "phases", dilation)
    wide.attribute.append(helper.make_attribute("dilations", [dilation] * 2))
    return network([wide, shuffle("phases", "upscaled", 2)], SMALL)


def test_tiles_overlap_by_as_much_as_a_dilated_convolution_reaches(tmp_path: Path) -> None:
    path = saved(with_wide_kernel(4), tmp_path)
    clip = noise_clip(vs.GRAY8, 40, 30)
    whole, tiled = (samples(vs_espcn.upscale(clip, network=path, tile=tile)) for tile in (None, (13, 11)))
    assert largest_difference(whole, tiled) <= 1


@needs_exact_int8
@pytest.mark.parametrize("nodes", INT8.values(), ids=INT8.keys())
@pytest.mark.parametrize("video", [vs.GRAY8, vs.GRAY10, vs.GRAYS])
def test_int8_of_other_tools_runs_at_every_depth(nodes: list[NodeProto], video: int, tmp_path: Path) -> None:
    path = saved(network(nodes, CODES | {"first": kernel(1, 1)}), tmp_path)
    clip = noise_clip(vs.GRAY8, 22, 17)
    eight = samples(vs_espcn.upscale(clip, network=path)).astype(float)
    converted = vs.core.resize.Point(clip, format=video)
    upscaled = vs.core.resize.Point(vs_espcn.upscale(converted, network=path), format=vs.GRAY8)
    assert largest_difference(samples(upscaled), eight) <= 2


WRONG = {
    "another scale": (network(SHUFFLED, SMALL, 4), "turns [1, 1, 60, 60] into [1, 1, 120, 120]"),
    "three planes": (
        network(
            [conv("luma", "kernel", "phases"), shuffle("phases", "upscaled", 2)], {"kernel": kernel(12, 1)}
        ),
        "into [1, 3, 120, 120]",
    ),
    "scale 0": (network(SHUFFLED, SMALL, 0), "an integer 'scale' of 1 to 999"),
    "scale 1.5": (network(SHUFFLED, SMALL, 1.5), "an integer 'scale' of 1 to 999"),
    "half floats": (
        network(SHUFFLED, SMALL, elem_type=TensorProto.FLOAT16),
        "does not take and give float32",
    ),
    "no convolution": (
        network([helper.make_node("Resize", ["luma", "", "scales"], ["upscaled"])], {"scales": SCALES}),
        "has no convolution",
    ),
}


@pytest.mark.parametrize(("made", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_right_is_refused_before_a_frame_is_made(
    made: ModelProto, words: str, tmp_path: Path
) -> None:
    with pytest.raises(vs.Error, match=re.escape(words)) as caught:
        vs_espcn.upscale(noise_clip(vs.GRAY8, 22, 17), network=saved(made, tmp_path))
    assert str(caught.value).startswith("vs_espcn: ")


@pytest.mark.parametrize("content", [b"", b"\x08\x07garbage", None], ids=["empty", "garbage", "cut off"])
def test_damaged_files_are_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(registry.find("espcn", 2).path.read_bytes()[:3000] if content is None else content)
    with pytest.raises(vs.Error, match=f"vs_espcn: cannot read the network {re.escape(str(path))}"):
        vs_espcn.upscale(noise_clip(vs.GRAY8, 22, 17), network=path)
