"""A network with its video input and output, as one ONNX graph.

    frame → cast → affine → network with its pixel shuffle → inverse affine
    → clamp → round to nearest → cast → upscaled_frame

Networks are trained on limited-range luma as code / 255. One gain brings
limited-range samples of any depth to this range; full-range samples need a
gain and an offset, so that black and white are the same to the network.
"""

from dataclasses import dataclass, replace

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from vs_espcn.networks.float_input import with_float_input
from vs_espcn.networks.registry import INPUT_NAME, OUTPUT_NAME, is_int8, network_metadata

FRAME_NAME = "frame"
UPSCALED_FRAME_NAME = "upscaled_frame"


@dataclass(frozen=True, kw_only=True)
class SampleFormat:
    """The format in which an engine receives and returns samples.

    Attributes:
        depth: Bits of an integer sample, 8 to 16, with codes 0 … 2**depth − 1;
            None for float samples, nominally 0 … 1.
        dtype: Type that carries a sample: ``uint8``, ``uint16``, ``float16``
            or ``float32``. Floats carry integer codes unchanged to runtimes
            that accept no integers.
    """

    depth: int | None
    dtype: np.dtype[np.generic]

    @property
    def peak(self) -> float:
        """White at full range: the largest code, or 1 for float samples."""
        return 1.0 if self.depth is None else float((1 << self.depth) - 1)

    @property
    def onnx_type(self) -> int:
        """The ``TensorProto.DataType`` of `dtype`."""
        return helper.np_dtype_to_tensor_dtype(self.dtype)

    def in_float(self) -> "SampleFormat":
        """Return the same format carried in ``float32``."""
        return replace(self, dtype=np.dtype(np.float32))

    def luma_affine(self, full_range: bool) -> tuple[float, float]:
        """Return gain and offset with ``luma = gain · sample + offset`` in the network's range.

        Float samples have a single range, which counts as full.
        """
        if self.depth is None or full_range:
            return 219 / (255 * self.peak), 16 / 255
        return 1 / (255 << (self.depth - 8)), 0.0


UINT8 = SampleFormat(depth=8, dtype=np.dtype(np.uint8))
UINT16 = {depth: SampleFormat(depth=depth, dtype=np.dtype(np.uint16)) for depth in range(9, 17)}
FLOAT16 = SampleFormat(depth=None, dtype=np.dtype(np.float16))
FLOAT32 = SampleFormat(depth=None, dtype=np.dtype(np.float32))
SAMPLES = {8: UINT8, **UINT16, 32: FLOAT32}
"""Sample formats by bits per sample, as on the command line."""


def build_graph(
    network: ModelProto, sample: SampleFormat, *, full_range: bool, width: int, height: int
) -> ModelProto:
    """Wrap a network for clips of one sample format, range and size.

    Args:
        network: A network from `vs_espcn.networks.registry.load_network`; it is not changed.
        sample: Format of the samples in and out.
        full_range: True if codes span 0 … peak, False for the limited range
            of studio video (16 … 235 at 8 bits). Codes of both are clamped to
            0 … peak, and float samples are not clamped.
        width: Width of the source plane in samples.
        height: Height of the source plane in samples.

    Returns:
        A model from ``frame`` (1, 1, height, width) to ``upscaled_frame``
        (1, 1, scale·height, scale·width), both in the format `sample`. An int8
        network's first convolution takes unrounded floats, except for 8-bit
        limited-range samples, which are its input codes.

    Example:
        >>> network = load_network(find("subpixel-s", 2).path)
        >>> graph = build_graph(network, UINT8, full_range=False, width=640, height=360)
    """
    if is_int8(network) and not (sample.depth == 8 and not full_range):
        network = with_float_input(network)
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
    """Convert samples to luma in the network's range."""
    cast = helper.make_node("Cast", [FRAME_NAME], ["video.samples"], to=TensorProto.FLOAT)
    if not has_offset:
        return [cast, helper.make_node("Mul", ["video.samples", "video.gain"], [INPUT_NAME])]
    return [
        cast,
        helper.make_node("Mul", ["video.samples", "video.gain"], ["video.gained"]),
        helper.make_node("Add", ["video.gained", "video.offset"], [INPUT_NAME]),
    ]


def _output_nodes(sample: SampleFormat, has_offset: bool) -> list[NodeProto]:
    """Convert the network's luma to samples; codes are clamped and rounded to nearest."""
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


def in_byte_pairs(graph: ModelProto) -> ModelProto:
    """Return a graph that takes and gives each 16-bit code as two bytes, for runtimes without uint16.

    Args:
        graph: A model from `build_graph` whose samples are ``uint16``; it is not changed.

    Returns:
        The same computation from uint8 (1, 1, H, W, 2) to uint8 (1, 1,
        scale·H, scale·W, 2), low byte first: the memory of little-endian uint16.
    """
    pairs = ModelProto()
    pairs.CopyFrom(graph)
    nodes = pairs.graph.node
    (first,) = (node for node in nodes if FRAME_NAME in node.input)
    (last,) = (node for node in nodes if UPSCALED_FRAME_NAME in node.output)
    inner = [node for node in nodes if node not in (first, last)]
    joined, split = _join_bytes(first.output[0]), _split_bytes(last.input[0])
    del nodes[:]
    nodes.extend([*joined, *inner, *split])
    for name, values in {"weights": [1, 256], "shift": [1 / 256], "base": [256]}.items():
        pairs.graph.initializer.append(
            numpy_helper.from_array(np.array(values, np.float32), f"video.byte_{name}")
        )
    pairs.graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "video.byte_axis"))
    for value in (*pairs.graph.input, *pairs.graph.output):
        value.type.tensor_type.elem_type = TensorProto.UINT8
        value.type.tensor_type.shape.dim.add().dim_value = 2
    return pairs


def _join_bytes(samples: str) -> list[NodeProto]:
    return [
        helper.make_node("Cast", [FRAME_NAME], ["video.bytes"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["video.bytes", "video.byte_weights"], ["video.weighted"]),
        helper.make_node("ReduceSum", ["video.weighted", "video.byte_axis"], [samples], keepdims=0),
    ]


def _split_bytes(codes: str) -> list[NodeProto]:
    return [
        helper.make_node("Unsqueeze", [codes, "video.byte_axis"], ["video.code"]),
        helper.make_node("Mul", ["video.code", "video.byte_shift"], ["video.shifted"]),
        helper.make_node("Floor", ["video.shifted"], ["video.high"]),
        helper.make_node("Mul", ["video.high", "video.byte_base"], ["video.high_part"]),
        helper.make_node("Sub", ["video.code", "video.high_part"], ["video.low"]),
        helper.make_node("Concat", ["video.low", "video.high"], ["video.pair"], axis=-1),
        helper.make_node("Cast", ["video.pair"], [UPSCALED_FRAME_NAME], to=TensorProto.UINT8),
    ]


def up_to_size(graph: ModelProto, width: int, height: int) -> ModelProto:
    """Return a graph for frames of any size up to a limit.

    Args:
        graph: A model from `build_graph` or from another function here; it is not changed.
        width: Largest width of the source plane.
        height: Largest height of the source plane.

    Returns:
        The same computation with variable height and width. Its metadata
        hold the scale and the limit, which `largest_size` reads.
    """
    free = of_any_size(graph)
    free.metadata_props.add(key=_LARGEST_SIZE, value=f"{width}x{height}")
    return free


def of_any_size(graph: ModelProto) -> ModelProto:
    """Return a graph for frames of any size.

    Args:
        graph: A model from `build_graph` or from another function here; it is not changed.

    Returns:
        The same computation with variable height and width, and the scale in its metadata.
    """
    free = ModelProto()
    free.CopyFrom(graph)
    values = (free.graph.input[0], free.graph.output[0])
    sides = [value.type.tensor_type.shape.dim[2:4] for value in values]
    scale = sides[1][0].dim_value // sides[0][0].dim_value
    for value, lengths in zip(values, sides, strict=True):
        for name, length in zip(("height", "width"), lengths, strict=True):
            length.dim_param = f"{value.name}_{name}"
    helper.set_model_props(free, {"scale": str(scale)})
    return free


def largest_size(graph: ModelProto) -> tuple[int, int] | None:
    """Return the largest width and height of a graph from `up_to_size`; None for other graphs."""
    size = network_metadata(graph).get(_LARGEST_SIZE)
    if size is None:
        return None
    width, height = map(int, size.split("x"))
    return width, height


_LARGEST_SIZE = "largest_size"


def in_half(graph: ModelProto) -> ModelProto:
    """Return a graph that computes convolutions and activations in ``float16``, the rest in ``float32``.

    Args:
        graph: A model from `build_graph`; it is not changed.

    Returns:
        The same model with the network between two casts and its weights
        rounded to ``float16``, for builders of strongly typed networks.
    """
    half = ModelProto()
    half.CopyFrom(graph)
    nodes = half.graph.node
    inner = [node for node in nodes if not _is_video(node)]
    weights = {name for node in inner for name in node.input}
    for weight in half.graph.initializer:
        if weight.name in weights:
            rounded = numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(numpy_helper.from_array(rounded, weight.name))
    begin = next(index for index, node in enumerate(nodes) if INPUT_NAME in node.output) + 1
    renamed = {INPUT_NAME: "half." + INPUT_NAME, OUTPUT_NAME: "half." + OUTPUT_NAME}
    for node in inner:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    casts = [
        helper.make_node("Cast", [INPUT_NAME], [renamed[INPUT_NAME]], to=TensorProto.FLOAT16),
        helper.make_node("Cast", [renamed[OUTPUT_NAME]], [OUTPUT_NAME], to=TensorProto.FLOAT),
    ]
    nodes.insert(begin, casts[0])
    nodes.insert(begin + 1 + len(inner), casts[1])
    return half


def _is_video(node: NodeProto) -> bool:
    """Tell whether a node belongs to the video's input or output rather than to the network."""
    return any(
        name.startswith("video.") or name in {FRAME_NAME, UPSCALED_FRAME_NAME}
        for name in (*node.input, *node.output)
    )
