"""Write the mean of two networks of one shape, which keeps most of what each has learned.

uv run --extra train python scripts/dev/mean_weights.py A.onnx B.onnx OUT.onnx

The metadata is B's. Best where B's training started from A.
"""

import sys
from pathlib import Path

import onnx
from onnx import numpy_helper

from vs_espcn.training.export import in_bfloat16


def mean_of(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """The mean of two networks, its kernels in bfloat16 numbers again."""
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
