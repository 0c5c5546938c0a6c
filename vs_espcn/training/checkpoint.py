"""Save and load checkpoints, which hold the whole state of a run in one file."""

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
"""Largest size of a checkpoint in bytes; those of the networks here have a few MB at most."""

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
"""Contents that a run needs to resume, besides those that a new run can start from."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; the previous checkpoint stays intact until this one is complete.

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
    """Read the state of a run, without running code from the file.

    Args:
        path: A file that ``save_checkpoint`` wrote.

    Returns:
        The state, with tensors on the CPU.

    Raises:
        InputError: There is no such file, it is not a checkpoint of this
            version, or it does not hold the weights of a network.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; leave out --resume to start a new run")
    try:
        state = _read_archive(path)
    except Exception as error:  # a crafted archive can make its readers raise anything
        raise InputError(
            f"{path} is not a checkpoint or is damaged; choose another, or start a new run"
        ) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise InputError(f"{path} is not a checkpoint of this version of vs-espcn; start a new run")
    if not _names_a_network(state.get("of")):
        raise InputError(f"{path} does not name its network; choose another, or start a new run")
    if not _are_weights(state.get("average")):
        raise InputError(f"{path} has no finite weights of a network; choose another, or start a new run")
    return state


def _read_archive(path: Path) -> object:
    """Read a file of PyTorch after checking that it can do no harm.

    PyTorch itself checks no checksum and may abort on a damaged file. It never
    compresses members: compressed ones come from another program and could
    expand without bound.
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
        warnings.simplefilter("ignore")  # PyTorch's own, on a crafted file
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
    """Check that a checkpoint has everything that a run needs to resume, of the right types.

    Args:
        path: The checkpoint's file, for messages.
        state: Its state from `load_checkpoint`.

    Raises:
        InputError: Something is missing or of another type.
    """
    typed = all(isinstance(state.get(name), kind) for name, kind in _OF_A_RUN.items())
    if not typed or state["step"] < 0 or not 0 <= state["seconds"] < math.inf:
        raise not_whole(path)
    if not _are_weights(state["weights"]):
        raise not_whole(path)


def not_whole(path: Path) -> InputError:
    """Return the error for a checkpoint from which a run cannot resume."""
    return InputError(
        f"{path} does not hold the whole state of a run; start a new run from it with --init-from"
    )


def take_weights(path: Path, network: Network, weights: dict[str, Tensor]) -> None:
    """Load the weights of a checkpoint into a network.

    Args:
        path: The checkpoint's file, for messages.
        network: The network; it is changed in place.
        weights: The weights by name.

    Raises:
        InputError: The weights are not those of such a network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"the weights in {path} are not those of {named(describe(network))}; choose another checkpoint"
        ) from error


def describe(network: Network) -> dict[str, Any]:
    """Return the entries by which a checkpoint names its network."""
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
            f"{path} holds {named(held)}, but the run asks for {named(wanted)};"
            " train the same network, or start a new run from it with --init-from"
        )


def check_same_run(path: Path, state: dict[str, Any], wanted: Mapping[str, object]) -> None:
    """Refuse to resume with another recipe, degradation or seed, or with other data.

    Args:
        path: The checkpoint's file, for messages.
        state: Its state from `load_checkpoint`.
        wanted: The run's values, by their names in the checkpoint.

    Raises:
        InputError: One of them differs.
    """
    held = {"degradation": "bicubic", **state}  # older checkpoints lack it
    for name, value in wanted.items():
        if held[name] != value:
            raise InputError(
                f"{path} was made with {name} {held[name]}, but the run asks for {value};"
                f" resume with the same {name}, or start a new run from it with --init-from"
            )


def named(of: dict[str, Any]) -> str:
    """Name a network in words, from the entries of ``describe``."""
    branches = " and branches" if of.get("branches") else ""
    return f"{of['network']} x{of['scale']} with {of['activation']}{branches}"
