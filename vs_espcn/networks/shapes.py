"""Infer the shapes of a network's values without running it."""

from onnx import ModelProto, TensorProto, helper, shape_inference

SIDE = 60
"""Height and width of the source for which shapes are given; every scale and stride in use divides it."""


def shapes_of(network: ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of every value for a source of `SIDE`².

    Args:
        network: A network with one input and one output; it is not changed.

    Returns:
        Shapes by the values' names; an unknown length is 0.
    """
    sized = ModelProto()
    sized.CopyFrom(network)
    (source,), (target,) = sized.graph.input, sized.graph.output
    shape = [1, 1, SIDE, SIDE]
    source.CopyFrom(helper.make_tensor_value_info(source.name, TensorProto.FLOAT, shape))
    target.type.tensor_type.ClearField("shape")
    del sized.graph.value_info[:]  # the file's own may be for another size
    inferred = shape_inference.infer_shapes(sized).graph
    return {weight.name: tuple(weight.dims) for weight in inferred.initializer} | {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*inferred.input, *inferred.value_info, *inferred.output)
    }
