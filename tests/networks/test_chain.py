"""Networks read as chains of convolutions."""

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper, numpy_helper

from tests import reference
from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.networks.chain import Chain, Convolution, chain_of

FLOAT_NETWORKS = [spec for spec in registry.shipped() if not spec.is_int8]


def computed(chain: Chain, luma: np.ndarray) -> np.ndarray:
    """What the chain says, in float64."""

    def after(layer: Convolution, values: np.ndarray) -> np.ndarray:
        values = reference.convolve(values, layer.weights.astype(float), layer.bias.astype(float))
        match layer.activation:
            case "tanh":
                return np.tanh(values)
            case "relu" | "leaky":
                return np.where(values < 0, layer.slope * values, values)
            case _:
                return values

    entering = values = luma[None] * chain.gain + chain.offset
    for layer in chain.convolutions:
        values = after(layer, values)
    if chain.skip:
        values = values + after(chain.skip, entering)
    return reference.pixel_shuffle(values, chain.scale)[0]


@pytest.mark.parametrize("spec", FLOAT_NETWORKS, ids=lambda spec: spec.path.stem)
def test_a_chain_computes_what_its_network_does(spec: registry.ModelSpec) -> None:
    network = registry.load_network(spec.path)
    luma = np.random.default_rng(1).random((14, 17), np.float32)
    session = onnxruntime.InferenceSession(network.SerializeToString())
    (expected,) = session.run(None, {registry.INPUT_NAME: luma[None, None]})

    assert np.abs(computed(chain_of(network), luma.astype(float)) - expected[0, 0]).max() < 1e-4


def edited(change: str) -> ModelProto:
    network = registry.load_network(registry.find("subpixel-xs", 2).path)
    nodes = network.graph.node
    match change:
        case "operation":
            next(node for node in nodes if node.op_type == "LeakyRelu").op_type = "Sigmoid"
        case "strides":
            next(node for node in nodes if node.op_type == "Conv").attribute.append(
                helper.make_attribute("strides", [2, 2])
            )
        case "two activations":
            first = next(node for node in nodes if node.op_type == "LeakyRelu")
            second = helper.make_node("Tanh", [first.output[0]], ["again"])
            for node in nodes:
                node.input[:] = ["again" if name == first.output[0] else name for name in node.input]
            nodes.insert(list(nodes).index(first) + 1, second)
        case "branch":
            add = next(node for node in nodes if node.op_type == "Add")
            add.input[1] = add.input[0]
        case "skip of one channel":
            held = {each.name: each for each in network.graph.initializer}
            for name in ("skip.weight", "skip.bias"):
                held[name].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held[name])[:1], name))
    return network


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("operation", "Sigmoid"),
        ("strides", "Conv"),
        ("two activations", "Tanh"),
        ("branch", "Add"),
        ("skip of one channel", "Add"),
    ],
)
def test_what_is_no_chain_is_refused_by_its_operation(change: str, named: str) -> None:
    with pytest.raises(InputError, match=rf"the network's operation {named} \(.*\) cannot be expressed"):
        chain_of(edited(change))


def test_an_int8_form_is_refused() -> None:
    with pytest.raises(InputError, match="int8 form; give the network that it was made from"):
        chain_of(registry.load_network(registry.find("subpixel-xs-int8", 2).path))
