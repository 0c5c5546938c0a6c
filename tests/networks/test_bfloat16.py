"""bf16 as PyTorch rounds to it, without a processor that has it."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import ModelProto, helper, numpy_helper

from tests.small_networks import conv, kernel, network, shuffle
from vs_espcn.networks import registry
from vs_espcn.networks.bfloat16 import has_bf16_weights, is_close_in_bf16, rounding_to_bf16

FLOATS = [spec for spec in registry.shipped() if not spec.is_int8]
WEIGHTS = {"first": kernel(8, 1), "second": kernel(4, 8)}


def small(*, last: np.ndarray | None = None) -> ModelProto:
    nodes = [
        conv("luma", "first", "features"),
        helper.make_node("Tanh", ["features"], ["active"]),
        conv("active", "second", "phases"),
        shuffle("phases", "upscaled", 2),
    ]
    return network(nodes, WEIGHTS | ({} if last is None else {"second": last}))


def in_bf16(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).bfloat16().float()


def test_what_convolutions_take_is_rounded_and_nothing_else() -> None:
    luma = np.random.default_rng(0).random((1, 1, 20, 24), np.float32)
    session = onnxruntime.InferenceSession(rounding_to_bf16(small()).SerializeToString())
    (upscaled,) = session.run(None, {"luma": luma})
    first, second = (in_bf16(WEIGHTS[name]) for name in ("first", "second"))
    active = torch.tanh(torch.nn.functional.conv2d(in_bf16(luma), first, padding=1))
    phases = torch.nn.functional.conv2d(in_bf16(active.numpy()), second, padding=1)
    expected = torch.nn.functional.pixel_shuffle(phases, 2).numpy()
    # Where two sums in float32 lie on two sides of a tie, one value may round to its other neighbour.
    assert np.abs(upscaled - expected).max() < 2e-3
    assert np.median(np.abs(upscaled - expected)) < 1e-6


def test_the_network_given_is_not_changed() -> None:
    model = small()
    before = model.SerializeToString(deterministic=True)
    assert rounding_to_bf16(model) != model
    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("spec", FLOATS, ids=lambda spec: spec.path.stem)
def test_the_shipped_networks_bear_bf16(spec: registry.ModelSpec) -> None:
    model = registry.load_network(spec.path)
    assert has_bf16_weights(model)
    assert is_close_in_bf16(model)


def test_one_weight_that_is_no_bf16_number_is_found() -> None:
    exact = in_bf16(WEIGHTS["first"]).numpy(), in_bf16(WEIGHTS["second"]).numpy()
    model = small()
    for name, values in zip(("first", "second"), exact, strict=True):
        (held,) = (each for each in model.graph.initializer if each.name == name)
        held.CopyFrom(numpy_helper.from_array(values, name))
    assert has_bf16_weights(model)
    values = exact[1].copy()
    values[3, 7, 2, 2] = np.nextafter(values[3, 7, 2, 2], np.float32(1))
    held.CopyFrom(numpy_helper.from_array(values, "second"))
    assert not has_bf16_weights(model)


def test_weights_of_constant_nodes_count_and_those_that_are_computed_are_not_trusted() -> None:
    ones = np.ones((4, 1, 3, 3), np.float32)
    constant = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(ones))
    ends = [conv("luma", "w", "phases"), shuffle("phases", "upscaled", 2)]
    assert has_bf16_weights(network([constant, *ends], {}))
    computed = helper.make_node("Mul", ["ones", "third"], ["w"])
    assert not has_bf16_weights(network([computed, *ends], {"ones": ones, "third": np.float32(1 / 3)}))


def test_srcnn_of_others_is_told_from_its_weights() -> None:
    """Four convolutions at most, which a count of layers would let pass."""
    baseline = Path(__file__).parents[2] / "docs/baselines/srcnn-955_x3.onnx"
    assert not has_bf16_weights(registry.load_network(baseline))
