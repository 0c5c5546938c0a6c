"""What a network's file may be, checked before it costs time or memory."""

import os
import stat
from collections.abc import Iterable, Iterator

from onnx import FunctionProto, GraphProto, ModelProto, NodeProto

from vs_espcn.errors import InputError

LARGEST_FILE = 256 << 20
"""Bytes of a network's file, or of a file with its weights beside it; the shipped ones take up to 0.3 MB."""

MOST_NODES = 5000
"""Operations of a network with its functions written out; the shipped ones have up to 60."""


_Name = tuple[str, str, str]
"""Domain, name and overload, by which a node calls a function."""


def check_file(path: str | os.PathLike[str]) -> None:
    """Refuse what is no regular file or too large to be a network.

    Raises:
        InputError: It is a folder, a pipe or a device, or above `LARGEST_FILE`.
        OSError: It cannot be looked at.
    """
    status = os.stat(path)  # noqa: PTH116 - any path
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is no regular file; give the path of an ONNX file")
    if status.st_size > LARGEST_FILE:
        raise InputError(
            f"{path} has {status.st_size >> 20} MB; a network has at most {LARGEST_FILE >> 20} MB"
        )


def check_nodes(path: str | os.PathLike[str], model: ModelProto) -> None:
    """Refuse a model of too many operations, counted with its functions written out.

    Functions may call each other, so that a few lines expand to any number of operations.

    Raises:
        InputError: There are more than `MOST_NODES`, or a function calls itself.
    """
    functions = {_name_of(each): each for each in model.functions}
    known: dict[_Name, int] = {}

    def count(name: _Name, callers: frozenset[_Name]) -> int:
        if name in callers or len(callers) > len(functions):
            raise InputError(f"{path} has a function {name[1]!r} that calls itself")
        if name not in known:
            known[name] = total(functions[name].node, callers | {name})
        return known[name]

    def total(nodes: Iterable[NodeProto], callers: frozenset[_Name]) -> int:
        inner = 0
        for node in nodes:
            name = (node.domain, node.op_type, node.overload)
            inner += count(name, callers) if name in functions else 1
            inner += sum(total(graph.node, callers) for graph in _graphs_in(node))
        return inner

    nodes = max(len(model.functions), total(model.graph.node, frozenset()))
    if nodes > MOST_NODES:
        raise InputError(f"{path} has {nodes} operations; a network has at most {MOST_NODES}")


def _name_of(function: FunctionProto) -> _Name:
    return function.domain, function.name, function.overload


def _graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    """The bodies of an If, Loop or Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
