"""Where a new run starts: the layers of a network that is trained already."""

from pathlib import Path
from typing import Any

import torch
from onnx import numpy_helper
from torch import Tensor

from vs_espcn.errors import InputError
from vs_espcn.models import is_int8, load_network, network_metadata
from vs_espcn.training.checkpoint import describe, load_checkpoint, named
from vs_espcn.training.network import CENTRE, SPREAD, Int8Espcn, Network


def start_from(path: Path, network: Network) -> None:
    """Take over the layers of a trained network, all those whose shapes agree.

    From another scale these are all but the last, which keeps its weights, and
    all of an SRCNN. An int8 network starts from a float one, of
    any activation, or from another int8 one's checkpoint. An ONNX file holds a
    sub-pixel network's sums only: whatever branches the run trains beside the
    plain kernels stay as they are.

    Args:
        path: Checkpoint or ONNX file of a network of any scale.
        network: Changed in place.

    Raises:
        InputError: No such file, or one of another kind or activation.
    """
    if path.suffix == ".onnx":
        of, layers = _of_onnx(path)
        _check(path, of, {**describe(network), "branches": False}, network)
        own = [kernel.shape for kernel, _ in network.folded()]
        for number, (kernel, bias) in enumerate(layers):
            if kernel.shape == own[number]:
                network.unfold(number, kernel, bias)
    else:
        state = load_checkpoint(path)
        of = state["of"]
        _check(path, of, describe(network), network)
        own_weights = network.state_dict()
        taken = {name: each for name, each in state["average"].items() if name in own_weights}
        agreeing = {name: each for name, each in taken.items() if each.shape == own_weights[name].shape}
        network.load_state_dict({**own_weights, **agreeing})
    if _is_of_float(of, network):
        _move_centre(network)


def _is_of_float(of: dict[str, Any], network: Network) -> bool:
    return isinstance(network, Int8Espcn) and of["network"] == "espcn"


def _check(path: Path, of: dict[str, Any], wanted: dict[str, Any], network: Network) -> None:
    """Refuse another kind of network."""
    own = {"network": network.name, "activation": network.activation} if _is_of_float(of, network) else {}
    if {"branches": False, **of, **own, "scale": network.scale} != {"branches": False, **wanted}:
        raise InputError(
            f"{path} holds {named(of)}, the run asks for {named(wanted)};"
            " --init-from takes any scale, but the same network and activation"
        )


@torch.no_grad()
def _move_centre(network: Network) -> None:
    """An int8 network's zero is a whole code, a quarter of one beside a float network's."""
    assert isinstance(network, Int8Espcn)
    assert network.conv1.bias is not None
    shift = network.spread_out(torch.tensor(CENTRE))
    network.conv1.bias.sub_(network.conv1.weight.sum((1, 2, 3)) * shift)


def _of_onnx(path: Path) -> tuple[dict[str, Any], list[tuple[Tensor, Tensor]]]:
    """Undo what the export did."""
    model = load_network(path)
    facts = network_metadata(model)
    if is_int8(model) or not {"network", "activation"} <= facts.keys():
        raise InputError(
            f"{path} is not a float network of vs-espcn train; start from one, or from a checkpoint"
        )
    constants = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in model.graph.initializer
    }
    names = [node.name for node in model.graph.node if node.op_type == "Conv" and node.name != "skip"]
    layers = [(constants[f"{name}.weight"], constants[f"{name}.bias"]) for name in names]
    kernel, bias = layers[-1]
    layers[-1] = (kernel * SPREAD, (bias - CENTRE) * SPREAD)
    network = facts["network"].removesuffix(f"-{facts.get('degradation', 'clean')}")
    return {"network": network, "scale": int(facts["scale"]), "activation": facts["activation"]}, layers
