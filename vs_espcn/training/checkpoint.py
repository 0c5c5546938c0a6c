"""Checkpoints: the whole state of a run in one file."""

import io
import math
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vs_espcn.errors import InputError
from vs_espcn.training.files import write_atomically
from vs_espcn.training.networks.layers import Network

_FORMAT = 1
_LARGEST_FILE = 1 << 30
"""Bytes of a checkpoint; those of the networks here take up to a few MB."""

_SCALES = range(2, 9)

_OF_A_RUN: dict[str, type | tuple[type, ...]] = {
    "recipe": str,
    "data": str,
    "seed": int,
    "weights": dict,
    "optimizer": dict,
    "patches": dict,
    "schedule": dict,
    "step": int,
    "seconds": (int, float),
    "loss": float,
    "psnr": float,
    "best_psnr": float,
}
"""What a run goes on from, beside what a new one starts from."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; the previous checkpoint stays whole until this one is.

    Args:
        path: File to write or replace.
        state: Tensors, numbers, strings, lists and dictionaries.

    Raises:
        TrainingError: The file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read the state of a run; runs no code from the file.

    Args:
        path: What ``save_checkpoint`` wrote.

    Returns:
        The state, tensors on the CPU.

    Raises:
        InputError: There is no such file, it is no checkpoint of this version, or
            it does not hold the weights of a network.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; leave out --resume to start a new run")
    try:
        state = _read_archive(path)
    except Exception as error:  # readers of crafted archives raise whatever they like
        raise InputError(
            f"{path} is no checkpoint or is damaged; choose another, or start a new run"
        ) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise InputError(f"{path} is no checkpoint of this version of vs-espcn; start a new run")
    if not _names_a_network(state.get("of")):
        raise InputError(f"{path} does not say of which network it is; choose another, or start a new run")
    if not _are_weights(state.get("average")):
        raise InputError(f"{path} holds no finite weights of a network; choose another, or start a new run")
    return state


def _read_archive(path: Path) -> object:
    """Read what PyTorch saved, once it can be read without harm.

    PyTorch itself looks at no checksum, and may abort on what is damaged. It
    stores members as they are: compressed ones would come from elsewhere, and
    may expand without bound.
    """
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError("too large")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(each.compress_type != zipfile.ZIP_STORED for each in members):
            raise ValueError("compressed")
        if sum(each.file_size for each in members) > path.stat().st_size or archive.testzip() is not None:
            raise ValueError("damaged")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch thinks of a crafted file
        return torch.load(path, map_location="cpu", weights_only=True)


def _names_a_network(of: object) -> bool:
    return (
        isinstance(of, dict)
        and isinstance(of.get("network"), str)
        and type(of.get("scale")) is int
        and of["scale"] in _SCALES
        and isinstance(of.get("activation"), str)
        and isinstance(of.get("branches", False), bool)
    )


def _are_weights(weights: object) -> bool:
    return (
        isinstance(weights, dict)
        and bool(weights)
        and all(isinstance(name, str) for name in weights)
        and all(isinstance(each, Tensor) and each.layout == torch.strided for each in weights.values())
        and all(each.device.type == "cpu" and bool(each.isfinite().all()) for each in weights.values())
    )


def check_whole(path: Path, state: dict[str, Any]) -> None:
    """Check that a run can go on from a checkpoint, as far as types tell.

    Args:
        path: The checkpoint's file.
        state: What `load_checkpoint` read from it.

    Raises:
        InputError: Something is missing or of another type.
    """
    typed = all(isinstance(state.get(name), kind) for name, kind in _OF_A_RUN.items())
    if not typed or state["step"] < 0 or not 0 <= state["seconds"] < math.inf:
        raise not_whole(path)
    if not _are_weights(state["weights"]):
        raise not_whole(path)


def not_whole(path: Path) -> InputError:
    """Make the error that a checkpoint does not hold what a run goes on from."""
    return InputError(
        f"{path} does not hold the whole state of a run; start a new one, from it with --init-from"
    )


def take_weights(path: Path, network: Network, weights: dict[str, Tensor]) -> None:
    """Give a network the weights of a checkpoint.

    Args:
        path: The checkpoint's file.
        network: Changed in place.
        weights: By their names.

    Raises:
        InputError: They are not those of such a network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"the weights in {path} are not those of {named(describe(network))}; choose another checkpoint"
        ) from error


def describe(network: Network) -> dict[str, Any]:
    """Say which network a checkpoint belongs to."""
    of = {"network": network.name, "scale": network.scale, "activation": network.activation}
    return of | ({"branches": True} if network.branches else {})


def check_same_network(path: Path, state: dict[str, Any], network: Network) -> None:
    """Refuse to resume with another network.

    Raises:
        InputError: The checkpoint belongs to a network of another kind, scale or activation.
    """
    held, wanted = state["of"], describe(network)
    if held != wanted:
        raise InputError(
            f"{path} holds {named(held)}, the run asks for {named(wanted)};"
            " ask for what it holds, or start from it with --init-from"
        )


def check_same_run(path: Path, state: dict[str, Any], wanted: Mapping[str, object]) -> None:
    """Refuse to resume with another recipe, degradation, seed or other data.

    Args:
        path: The checkpoint's file.
        state: What `load_checkpoint` read from it.
        wanted: What the run asks for, by the names in the checkpoint.

    Raises:
        InputError: One of them differs.
    """
    held = {"degradation": "bicubic", **state}  # earlier checkpoints lack it
    for name, value in wanted.items():
        if held[name] != value:
            raise InputError(
                f"{path} was made with {name} {held[name]}, the run asks for {value};"
                f" resume with the same {name}, or start from it with --init-from"
            )


def named(of: dict[str, Any]) -> str:
    """A network in words, from what ``describe`` gives."""
    branches = " and branches" if of.get("branches") else ""
    return f"{of['network']} x{of['scale']} with {of['activation']}{branches}"
