"""A network with its video input and output, as one ONNX graph.

    frame → cast → affine → network with its pixel shuffle → inverse affine
    → clamp → round to nearest → cast → upscaled_frame

Networks are trained on limited-range luma as code / 255. A limited-range
sample of any depth is brought there by one gain; a full-range one by a gain
and an offset, so that black and white mean the same to the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.models import INPUT_NAME, OUTPUT_NAME, network_metadata

FRAME_NAME = "frame"
UPSCALED_FRAME_NAME = "upscaled_frame"


@dataclass(frozen=True, kw_only=True)
class SampleFormat:
    """How an engine receives and returns samples.

    Attributes:
        depth: Bits of an integer sample, 8 to 16: codes lie in 0 … 2**depth − 1.
            None for float samples, nominally 0 … 1.
        dtype: Type in which a sample travels: ``uint8``, ``uint16``,
            ``float16`` or ``float32``. Floats carry integer codes unchanged
            for runtimes that accept nothing else.
    """

    depth: int | None
    dtype: np.dtype[np.generic]

    @property
    def peak(self) -> float:
        """White of the full range."""
        return 1.0 if self.depth is None else float((1 << self.depth) - 1)

    @property
    def onnx_type(self) -> int:
        """The ``TensorProto.DataType`` of `dtype`."""
        return helper.np_dtype_to_tensor_dtype(self.dtype)

    def in_float(self) -> "SampleFormat":
        """The same samples, carried in ``float32``."""
        return replace(self, dtype=np.dtype(np.float32))

    def luma_affine(self, full_range: bool) -> tuple[float, float]:
        """Gain and offset with ``luma = gain · sample + offset`` on the network's footing.

        Float samples have one range, which counts as full.
        """
        if self.depth is None or full_range:
            return 219 / (255 * self.peak), 16 / 255
        return 1 / (255 << (self.depth - 8)), 0.0


UINT8 = SampleFormat(depth=8, dtype=np.dtype(np.uint8))
UINT16 = {depth: SampleFormat(depth=depth, dtype=np.dtype(np.uint16)) for depth in range(9, 17)}
FLOAT16 = SampleFormat(depth=None, dtype=np.dtype(np.float16))
FLOAT32 = SampleFormat(depth=None, dtype=np.dtype(np.float32))


def receptive_radius(network: ModelProto) -> int:
    """How far from a source sample its influence on the output reaches, in source samples.

    The sum over the convolutions, all of stride 1, of half their width.
    """
    return sum(max(dims[2:]) // 2 for dims in _convolutions(network))


def activation_bytes(network: ModelProto) -> int:
    """Memory for a frame's activations, in bytes per source sample, in float32.

    Two neighbouring layers are alive at once; each holds as many values per
    source sample as its convolution has output channels.
    """
    channels = [dims[0] for dims in _convolutions(network)]
    return 4 * max(a + b for a, b in pairwise([1, *channels]))


def _convolutions(network: ModelProto) -> list[Sequence[int]]:
    """Shapes (out, in, height, width) of the convolutions' weights, in order."""
    shapes = {weight.name: weight.dims for weight in network.graph.initializer}
    return [shapes[node.input[1]] for node in network.graph.node if node.op_type == "Conv"]


def build_graph(
    network: ModelProto, sample: SampleFormat, *, full_range: bool, width: int, height: int
) -> ModelProto:
    """Wrap a network for clips of one sample format, range and size.

    Args:
        network: A network from `vs_espcn.models.load_network`; it is not changed.
        sample: How samples enter and leave.
        full_range: Whether codes span 0 … peak, rather than the limited range
            (16 … 235 at 8 bits) of studio video. Neither is clipped to the
            limited range; codes are clamped to 0 … peak only, and float
            samples not at all.
        width: Width of the source plane in samples.
        height: Height of the source plane in samples.

    Returns:
        A model from ``frame`` (1, 1, height, width) to ``upscaled_frame``
        (1, 1, scale·height, scale·width), both of `sample`.
    """
    scale = int(network_metadata(network)["scale"])
    gain, offset = sample.luma_affine(full_range)
    scalars = {"gain": gain, "inverse_gain": 1 / gain}
    if offset:
        scalars["offset"] = offset
    if sample.depth is not None:
        scalars |= {"floor": 0.0, "peak": sample.peak}
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
    """Samples → luma on the network's footing."""
    cast = helper.make_node("Cast", [FRAME_NAME], ["video.samples"], to=TensorProto.FLOAT)
    if not has_offset:
        return [cast, helper.make_node("Mul", ["video.samples", "video.gain"], [INPUT_NAME])]
    return [
        cast,
        helper.make_node("Mul", ["video.samples", "video.gain"], ["video.gained"]),
        helper.make_node("Add", ["video.gained", "video.offset"], [INPUT_NAME]),
    ]


def _output_nodes(sample: SampleFormat, has_offset: bool) -> list[NodeProto]:
    """The network's luma → samples; codes are clamped and rounded to nearest."""
    level = "video.level" if has_offset else OUTPUT_NAME
    nodes = [helper.make_node("Sub", [OUTPUT_NAME, "video.offset"], [level])] if has_offset else []
    nodes.append(helper.make_node("Mul", [level, "video.inverse_gain"], ["video.unclamped"]))
    result = "video.unclamped"
    if sample.depth is not None:
        nodes += [
            helper.make_node("Clip", [result, "video.floor", "video.peak"], ["video.clamped"]),
            helper.make_node("Round", ["video.clamped"], ["video.codes"]),
        ]
        result = "video.codes"
    return [*nodes, helper.make_node("Cast", [result], [UPSCALED_FRAME_NAME], to=sample.onnx_type)]
