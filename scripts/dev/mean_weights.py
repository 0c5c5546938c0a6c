"""Write the mean of two networks of the same shape, which keeps most of what both learned.

uv run --extra train python scripts/dev/mean_weights.py A.onnx B.onnx OUT.onnx

The metadata is B's. This works best if the training of B started from A.
"""

import sys
from pathlib import Path

import onnx
from onnx import numpy_helper

from vs_espcn.training.export import in_bfloat16


def mean_of(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """Return the mean of two networks, with kernels rounded to bfloat16 again."""
    others = {each.name: numpy_helper.to_array(each) for each in first.graph.initializer}
    mean = onnx.ModelProto()
    mean.CopyFrom(second)
    for each in mean.graph.initializer:
        own = numpy_helper.to_array(each)
        each.CopyFrom(numpy_helper.from_array(((own + others[each.name]) / 2).astype(own.dtype), each.name))
    return in_bfloat16(mean)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: mean_weights.py A.onnx B.onnx OUT.onnx")
    a, b, out = map(Path, sys.argv[1:])
    onnx.save(mean_of(onnx.load(a), onnx.load(b)), out)
