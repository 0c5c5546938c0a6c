"""Checkpoints: the whole state of a run in one file."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from vs_espcn.errors import InputError
from vs_espcn.training.files import write_atomically
from vs_espcn.training.networks.layers import Network

_FORMAT = 1
_UNREADABLE = (RuntimeError, OSError, LookupError, ValueError, TypeError, AttributeError, EOFError)
"""What PyTorch raises for archives that others made."""


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
        InputError: There is no such file, or it is no checkpoint of this version.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; leave out --resume to start a new run")
    damaged = f"{path} is no checkpoint or is damaged; choose another, or start a new run"
    if not zipfile.is_zipfile(path):
        raise InputError(damaged)
    try:
        with zipfile.ZipFile(path) as archive:
            # PyTorch itself does not look at the checksums, and may abort on what is damaged.
            if archive.testzip() is not None:
                raise InputError(damaged)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (*_UNREADABLE, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise InputError(damaged) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise InputError(f"{path} is no checkpoint of this version of vs-espcn; start a new run")
    of = state.get("of")
    if not isinstance(of, dict) or not {"network", "scale", "activation"} <= of.keys():
        raise InputError(f"{path} does not say of which network it is; choose another, or start a new run")
    return state


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


def named(of: dict[str, Any]) -> str:
    """A network in words, from what ``describe`` gives."""
    branches = " and branches" if of.get("branches") else ""
    return f"{of['network']} x{of['scale']} with {of['activation']}{branches}"
