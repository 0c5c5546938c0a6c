"""Where a new run starts: the layers of a network that is trained already."""

from pathlib import Path
from typing import Any

import torch
from onnx import numpy_helper
from torch import Tensor

from vs_espcn.errors import InputError
from vs_espcn.models import load_network, network_metadata
from vs_espcn.training.checkpoint import describe, load_checkpoint, named
from vs_espcn.training.network import CENTRE, SPREAD, Int8Espcn, Network

Weights = dict[str, Tensor]


def start_from(path: Path, network: Network) -> None:
    """Take over the layers of a trained network, all those whose shapes agree.

    From another scale these are all but the last, which keeps its weights, and
    all of an SRCNN. An int8 network starts from a float one, of
    any activation, or from another int8 one.

    Args:
        path: Checkpoint or ONNX file of a network of any scale.
        network: Changed in place.

    Raises:
        InputError: No such file, or one of another kind or activation.
    """
    of, weights = _of_onnx(path) if path.suffix == ".onnx" else _of_checkpoint(path)
    wanted = describe(network)
    from_float = isinstance(network, Int8Espcn) and of["network"] == "espcn"
    held = {**of, "network": network.name, "activation": network.activation} if from_float else of
    if {**held, "scale": network.scale} != wanted:
        raise InputError(
            f"{path} holds {named(of)}, the run asks for {named(wanted)};"
            " --init-from takes any scale, but the same network and activation"
        )
    own = network.state_dict()
    network.load_state_dict(
        {
            name: weights[name] if name in weights and weights[name].shape == tensor.shape else tensor
            for name, tensor in own.items()
        }
    )
    if from_float:
        _move_centre(network)


@torch.no_grad()
def _move_centre(network: Network) -> None:
    """An int8 network's zero is a whole code, a quarter of one beside a float network's."""
    assert isinstance(network, Int8Espcn)
    assert network.conv1.bias is not None
    shift = network.spread_out(torch.tensor(CENTRE))
    network.conv1.bias.sub_(network.conv1.weight.sum((1, 2, 3)) * shift)


def _of_checkpoint(path: Path) -> tuple[dict[str, Any], Weights]:
    state = load_checkpoint(path)
    return state["of"], state["average"]


def _of_onnx(path: Path) -> tuple[dict[str, Any], Weights]:
    """Undo what the export did."""
    model = load_network(path)
    weights = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in model.graph.initializer
    }
    facts = network_metadata(model)
    if "conv3.weight" not in weights or not {"network", "activation"} <= facts.keys():
        raise InputError(
            f"{path} is not a float network of vs-espcn train; start from one, or from a checkpoint"
        )
    weights["conv3.weight"] = weights["conv3.weight"] * SPREAD
    weights["conv3.bias"] = (weights["conv3.bias"] - CENTRE) * SPREAD
    of = {"network": facts["network"], "scale": int(facts["scale"]), "activation": facts["activation"]}
    return of, weights
