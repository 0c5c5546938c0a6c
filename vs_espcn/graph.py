"""A network with its video input and output, as one ONNX graph.

    frame (codes) → cast → affine → network with its pixel shuffle → inverse
    affine → clamp → round to nearest → cast → upscaled_frame (codes)

Networks are trained on limited-range luma as code / 255. A limited-range
sample of any depth is brought there by one gain; a full-range one by a gain
and an offset, so that black and white mean the same to the network.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.errors import InputError
from vs_espcn.models import INPUT_NAME, OUTPUT_NAME

FRAME_NAME = "frame"
UPSCALED_FRAME_NAME = "upscaled_frame"


@dataclass(frozen=True, kw_only=True)
class SampleFormat:
    """How an engine receives and returns samples.

    Attributes:
        bits: Depth of the video; codes lie in 0 … 2**bits − 1.
        dtype: Type in which a code travels. ``float32`` carries the same whole
            numbers for runtimes that accept nothing else.
    """

    bits: int
    dtype: np.dtype[np.generic]

    @property
    def peak(self) -> int:
        """Largest code."""
        return (1 << self.bits) - 1

    @property
    def onnx_type(self) -> int:
        """The ``TensorProto.DataType`` of `dtype`."""
        return helper.np_dtype_to_tensor_dtype(self.dtype)

    def luma_affine(self, full_range: bool) -> tuple[float, float]:
        """Gain and offset with ``luma = gain · code + offset`` on the network's footing."""
        if full_range:
            return 219 / (255 * self.peak), 16 / 255
        return 1 / (255 << (self.bits - 8)), 0.0


GRAY8 = SampleFormat(bits=8, dtype=np.dtype(np.uint8))
GRAY8_IN_FLOAT = SampleFormat(bits=8, dtype=np.dtype(np.float32))


def load_network(path: Path) -> ModelProto:
    """Read a network and check that it is one.

    Args:
        path: An ONNX file as described in `vs_espcn.models`.

    Raises:
        InputError: The file cannot be read, is not such a network, or holds
            weights that are not finite (which would turn into garbage codes).
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(f"cannot read the network {path}: {error}") from error
    names = [value.name for value in (*model.graph.input, *model.graph.output)]
    if names != [INPUT_NAME, OUTPUT_NAME] or not network_metadata(model).get("scale", "").isdecimal():
        raise InputError(
            f"{path} is not a network of vs_espcn: it has inputs and outputs {names} and metadata "
            f"{sorted(network_metadata(model))}; needed are {[INPUT_NAME, OUTPUT_NAME]} and 'scale'"
        )
    for weight in model.graph.initializer:
        if not np.isfinite(numpy_helper.to_array(weight)).all():
            raise InputError(f"{path} holds weights that are not finite in {weight.name!r}; export it again")
    return model


def network_metadata(network: ModelProto) -> dict[str, str]:
    """The network file's metadata: scale, name, facts of its training."""
    return {entry.key: entry.value for entry in network.metadata_props}


def build_graph(
    network: ModelProto, sample: SampleFormat, *, full_range: bool, width: int, height: int
) -> ModelProto:
    """Wrap a network for clips of one sample format, range and size.

    Args:
        network: A network from `load_network`; it is not changed.
        sample: How samples enter and leave.
        full_range: Whether codes span 0 … peak, rather than the limited range
            (16 … 235 at 8 bits) of studio video. Neither is clipped to the
            limited range; codes are clamped to 0 … peak only.
        width: Width of the source plane in samples.
        height: Height of the source plane in samples.

    Returns:
        A model from ``frame`` (1, 1, height, width) to ``upscaled_frame``
        (1, 1, scale·height, scale·width), both of `sample`.
    """
    scale = int(network_metadata(network)["scale"])
    gain, offset = sample.luma_affine(full_range)
    scalars = {"gain": gain, "inverse_gain": 1 / gain, "floor": 0.0, "peak": sample.peak}
    if offset:
        scalars["offset"] = offset
    graph = helper.make_graph(
        [*_input_nodes(offset != 0), *network.graph.node, *_output_nodes(sample, offset != 0)],
        name="vs_espcn",
        inputs=[helper.make_tensor_value_info(FRAME_NAME, sample.onnx_type, [1, 1, height, width])],
        outputs=[
            helper.make_tensor_value_info(
                UPSCALED_FRAME_NAME, sample.onnx_type, [1, 1, scale * height, scale * width]
            )
        ],
        initializer=[
            *network.graph.initializer,
            *(
                numpy_helper.from_array(np.array(value, np.float32), f"video.{name}")
                for name, value in scalars.items()
            ),
        ],
    )
    return helper.make_model(graph, opset_imports=network.opset_import, ir_version=network.ir_version)


def _input_nodes(has_offset: bool) -> list[NodeProto]:
    """Codes → luma on the network's footing."""
    cast = helper.make_node("Cast", [FRAME_NAME], ["video.codes"], to=TensorProto.FLOAT)
    if not has_offset:
        return [cast, helper.make_node("Mul", ["video.codes", "video.gain"], [INPUT_NAME])]
    return [
        cast,
        helper.make_node("Mul", ["video.codes", "video.gain"], ["video.gained"]),
        helper.make_node("Add", ["video.gained", "video.offset"], [INPUT_NAME]),
    ]


def _output_nodes(sample: SampleFormat, has_offset: bool) -> list[NodeProto]:
    """The network's luma → codes, clamped and rounded to nearest."""
    level = "video.level" if has_offset else OUTPUT_NAME
    nodes = [helper.make_node("Sub", [OUTPUT_NAME, "video.offset"], [level])] if has_offset else []
    return [
        *nodes,
        helper.make_node("Mul", [level, "video.inverse_gain"], ["video.unclamped"]),
        helper.make_node("Clip", ["video.unclamped", "video.floor", "video.peak"], ["video.clamped"]),
        helper.make_node("Round", ["video.clamped"], ["video.rounded"]),
        helper.make_node("Cast", ["video.rounded"], [UPSCALED_FRAME_NAME], to=sample.onnx_type),
    ]
