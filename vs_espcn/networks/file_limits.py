"""What a network's file may be, checked before it costs time or memory."""

import os
import stat

from onnx import FunctionProto, ModelProto

from vs_espcn.errors import InputError

LARGEST_FILE = 256 << 20
"""Bytes of a network's file, or of a file with its weights beside it; the shipped ones take up to 0.3 MB."""

MOST_NODES = 5000
"""Operations of a network with its functions written out; the shipped ones have up to 60."""


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
    functions = {(each.domain, each.name): each for each in model.functions}
    known: dict[tuple[str, str], int] = {}

    def count(key: tuple[str, str], callers: frozenset[tuple[str, str]]) -> int:
        if key in callers or len(callers) > len(functions):
            raise InputError(f"{path} has a function {key[1]!r} that calls itself")
        if key not in known:
            known[key] = total(functions[key], callers | {key})
        return known[key]

    def total(owner: ModelProto | FunctionProto, callers: frozenset[tuple[str, str]]) -> int:
        nodes = owner.graph.node if isinstance(owner, ModelProto) else owner.node
        keys = ((node.domain, node.op_type) for node in nodes)
        return sum(count(key, callers) if key in functions else 1 for key in keys)

    nodes = max(len(model.functions), total(model, frozenset()))
    if nodes > MOST_NODES:
        raise InputError(f"{path} has {nodes} operations; a network has at most {MOST_NODES}")
