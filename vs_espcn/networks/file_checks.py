"""Limits on a network's file, checked before it takes time or memory."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.defs import onnx_opset_version

from vs_espcn.errors import InputError

LARGEST_FILE = 256 << 20
"""Bytes of a network's file, or of an external file with its weights; the shipped ones take up to 0.3 MB."""

MOST_NODES = 5000
"""Operations of a network with its functions inlined; the shipped ones have up to 60."""

MOST_WEIGHTS = 5000
"""Weight arrays of a network."""

DEEPEST_BRANCH = 3
"""Levels of nested branches (If, Loop, Scan); OpenVINO takes seconds for eight."""

LARGEST_BLOCK = 999
"""Block size of a pixel shuffle."""


_Name = tuple[str, str, str]
"""Domain, name and overload, by which a node calls a function."""


def check_file(path: str | os.PathLike[str]) -> None:
    """Check that a path is a regular file and not too large for a network.

    Raises:
        InputError: It is a folder, a pipe or a device, or larger than `LARGEST_FILE`.
        OSError: Its status cannot be read.
    """
    status = os.stat(path)  # noqa: PTH116 - any path
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a regular file; give the path of an ONNX file")
    if status.st_size > LARGEST_FILE:
        raise InputError(
            f"{path} has {status.st_size >> 20} MB; a network has at most {LARGEST_FILE >> 20} MB"
        )


def check_nodes(path: str | os.PathLike[str], model: ModelProto) -> None:
    """Check the numbers of a model's operations, weights and nested branches.

    Functions count inlined: by nested calls, a few lines can become any number of operations.

    Raises:
        InputError: A limit of this module is exceeded, or a function calls itself.
    """
    functions = {_name_of(each): each for each in model.functions}
    known: dict[_Name, int] = {}

    def count(name: _Name, callers: frozenset[_Name]) -> int:
        if name in callers or len(callers) > len(functions):
            raise InputError(f"{path} has a function {name[1]!r} that calls itself")
        if name not in known:
            known[name] = total(functions[name].node, callers | {name}, 0)
        return known[name]

    def total(nodes: Iterable[NodeProto], callers: frozenset[_Name], depth: int) -> int:
        if depth > DEEPEST_BRANCH:
            raise InputError(f"{path} has branches nested more than {DEEPEST_BRANCH} deep")
        inner = 0
        for node in nodes:
            name = (node.domain, node.op_type, node.overload)
            inner += count(name, callers) if name in functions else 1
            inner += sum(total(graph.node, callers, depth + 1) for graph in _graphs_in(node))
            _check_attributes(path, node)
        return inner

    nodes = max(len(model.functions), total(model.graph.node, frozenset(), 0))
    if nodes > MOST_NODES:
        raise InputError(f"{path} has {nodes} operations; a network has at most {MOST_NODES}")
    if len(model.graph.initializer) > MOST_WEIGHTS:
        arrays = len(model.graph.initializer)
        raise InputError(f"{path} has {arrays} arrays of weights; a network has at most {MOST_WEIGHTS}")


def _check_attributes(path: str | os.PathLike[str], node: NodeProto) -> None:
    given = {each.name: each.i for each in node.attribute}
    side = given.get("blocksize", 1)
    if not 1 <= side <= LARGEST_BLOCK:
        raise InputError(f"{path} has a pixel shuffle with blocksize {side}; give 1 to {LARGEST_BLOCK}")
    if given.get("group", 1) < 1:
        raise InputError(f"{path} has a convolution with {given['group']} groups; give 1 or more")


def _name_of(function: FunctionProto) -> _Name:
    return function.domain, function.name, function.overload


def _graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the bodies of an If, Loop or Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def check_opset(path: Path, model: ModelProto) -> None:
    """Refuse unknown opsets, whose operators may have another meaning.

    Raises:
        InputError: The opset is above the newest that the package onnx knows.
    """
    newest = onnx_opset_version()
    for each in model.opset_import:
        if not each.domain and each.version > newest:
            raise InputError(
                f"{path} has opset {each.version}; the installed onnx package knows opsets up to {newest}: "
                "install a newer onnx, or export the network with an older opset"
            )


def check_external_data(path: Path, model: ModelProto) -> None:
    """Refuse weights in files outside the network's own folder.

    Raises:
        InputError: A file lies outside, or `check_file` refuses it.
        OSError: The status of a file cannot be read.
    """
    nodes = [node for each in model.functions for node in each.node]
    tensors = (*_tensors_in(model.graph), *(each for node in nodes for each in _tensors_of(node)))
    entries = (entry for _, tensor in tensors for entry in tensor.external_data)
    for location in {entry.value for entry in entries if entry.key == "location"}:
        if Path(location).is_absolute() or ".." in Path(location).parts:
            raise InputError(
                f"{path} takes weights from outside its folder, {location[:100]!r}; move them into it"
            )
        check_file(path.parent / location)


def check_finite(path: Path, model: ModelProto) -> None:
    """Refuse weights, constants and attributes that are not finite numbers.

    Args:
        path: Path of the network, for messages.
        model: The network with its functions inlined and its external data read.

    Raises:
        InputError: One is NaN, infinite or text; all output would be garbage.
    """
    for name, values in _numbers_in(model.graph):
        try:
            is_finite = bool(np.isfinite(values()).all())
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} does not hold numbers in {name!r}: {one_line(error)}") from error
        if not is_finite:
            raise InputError(f"{path} holds weights that are not finite in {name!r}; export it again")


def _numbers_in(graph: GraphProto) -> Iterator[tuple[str, Callable[[], ArrayLike]]]:
    """Yield names of weights, constants and attributes, in branches too, each with a function to read it."""
    for name, tensor in _tensors_in(graph):
        yield name, partial(numpy_helper.to_array, tensor)
    for node in _nodes_in(graph):
        for attribute in node.attribute:
            yield _title(node), partial(list, [attribute.f, *attribute.floats])


def _tensors_in(graph: GraphProto) -> Iterator[tuple[str, TensorProto]]:
    """Yield every array of numbers in a graph and its branches, with its name or its node's."""
    for each in graph.initializer:
        yield each.name, each
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse.values
    for node in graph.node:
        yield from _tensors_of(node)


def _tensors_of(node: NodeProto) -> Iterator[tuple[str, TensorProto]]:
    for attribute in node.attribute:
        sparse = [attribute.sparse_tensor, *attribute.sparse_tensors]
        held = [attribute.t, *attribute.tensors, *(each.values for each in sparse)]
        yield from ((_title(node), tensor) for tensor in held if tensor.data_type)
    for branch in _graphs_in(node):
        yield from _tensors_in(branch)


def _nodes_in(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for branch in _graphs_in(node):
            yield from _nodes_in(branch)


def _title(node: NodeProto) -> str:
    return node.output[0] if node.output else node.op_type


def one_line(error: Exception) -> str:
    """Return the first line of a library's message, at most 300 characters."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
