"""Start a new run from the layers of a trained network."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from onnx import numpy_helper
from torch import Tensor

from vs_espcn.errors import InputError
from vs_espcn.networks.registry import INT8_SUFFIX, is_int8, load_network, network_metadata
from vs_espcn.training.checkpoint import describe, load_checkpoint, named
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import CENTRE, SPREAD, Network
from vs_espcn.training.networks.subpixel import SHAPES

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class _TrainedLayers:
    """The layers in a file.

    Attributes:
        of: The network's entries, as from `describe`.
        weights: Weights of a checkpoint, by name.
        layers: Kernel and bias of each convolution of an ONNX file.
    """

    of: dict[str, Any]
    weights: Weights = field(default_factory=dict)
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)


def start_from(path: Path, network: Network) -> None:
    """Take over all layers of a trained network whose shapes agree.

    From another scale these are all layers but the last, and all of an SRCNN.
    A sub-pixel network can also start from another one of its width: layers
    that only the deeper one has keep their initial weights, which are close
    to the identity. An int8 network starts from a float one, or from the
    checkpoint of another int8 one. An ONNX file holds a sub-pixel network's
    folded kernels only; branches that the run trains keep their weights.

    Args:
        path: Checkpoint or ONNX file of a network of any scale.
        network: The network; it is changed in place.

    Raises:
        InputError: There is no such file, or its network has another kind or activation.
    """
    source = _read(path)
    if isinstance(network, Int8Network) and source.of["network"] == _float_name(network):
        floats = make_network(_float_name(network), network.scale, network.activation)
        _take(path, source, floats)
        network.load_state_dict(Int8Network(floats).state_dict())
    else:
        _take(path, source, network)


def _take(path: Path, source: _TrainedLayers, network: Network) -> None:
    wanted = describe(network) | ({} if source.weights else {"branches": False})
    if _kind(source.of) != _kind(wanted):
        raise InputError(
            f"{path} holds {named(source.of)}, but the run asks for {named(wanted)};"
            " --init-from takes any scale, but only the same network (or one of its width) and activation"
        )
    own = network.state_dict()
    agreeing = {
        name: weight
        for name, weight in source.weights.items()
        if name in own and weight.shape == own[name].shape
    }
    if source.weights and not agreeing:
        raise InputError(f"no layer in {path} fits {named(wanted)}; start from another file")
    network.load_state_dict({**own, **agreeing})
    if source.layers:
        *inner, tail = source.layers
        *places, last = range(len(network.folded()))
        for number, layer in [*zip(places, inner, strict=False), (last, tail)]:  # depths may differ
            if layer[0].shape == network.folded()[number][0].shape:
                network.unfold(number, *layer)


def _kind(of: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that have to agree: any scale is accepted, and any depth of a sub-pixel network."""
    name = of["network"]
    width = f"subpixel of {SHAPES[name].channels} channels" if name in SHAPES else name
    return {"branches": False, **of, "scale": None, "network": width}


def _float_name(network: Network) -> str:
    return network.name.removesuffix(INT8_SUFFIX)


def _read(path: Path) -> _TrainedLayers:
    if path.suffix == ".onnx":
        return _of_onnx(path)
    state = load_checkpoint(path)
    return _TrainedLayers(of=state["of"], weights=state["average"])


def _of_onnx(path: Path) -> _TrainedLayers:
    """Read an ONNX file and undo the changes of the export."""
    model = load_network(path)
    facts = network_metadata(model)
    constants = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in model.graph.initializer
    }
    names = [node.name for node in model.graph.node if node.op_type == "Conv" and node.name != "skip"]
    is_ours = {"network", "activation"} <= facts.keys() and all(f"{name}.bias" in constants for name in names)
    if is_int8(model) or not is_ours:
        raise InputError(
            f"{path} is not a float network of vs-espcn train; start from one, or from a checkpoint"
        )
    layers = [(constants[f"{name}.weight"], constants[f"{name}.bias"]) for name in names]
    kernel, bias = layers[-1]
    layers[-1] = (kernel * SPREAD, (bias - CENTRE) * SPREAD)
    network = facts["network"].removesuffix(f"-{facts.get('degradation', 'clean')}")
    of = {"network": network, "scale": int(facts["scale"]), "activation": facts["activation"]}
    return _TrainedLayers(of=of, layers=layers)
