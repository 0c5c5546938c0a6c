"""Counts by hand, from the shapes in the papers."""

from pathlib import Path

import pytest

from vs_espcn.errors import InputError
from vs_espcn.networks import cost, registry
from vs_espcn.runtime.matrix_rate import matrix_network


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_espcn(scale: int) -> None:
    network = registry.load_network(registry.find("espcn", scale).path)
    layers = (64 * 1 * 5 * 5, 32 * 64 * 3 * 3, scale**2 * 32 * 3 * 3)
    assert cost.macs_per_sample(network) == sum(layers) == {2: 21_184, 3: 22_624, 4: 24_640}[scale]
    assert cost.activation_bytes(network) == 4 * (64 + 32)


def test_a_network_without_convolutions_has_its_picture_in_memory() -> None:
    assert cost.activation_bytes(matrix_network(16)) == 4 * 2
    assert cost.macs_per_sample(matrix_network(16)) == 0


@pytest.mark.parametrize(("name", "layers"), [("915", (5184, 2048, 800)), ("955", (5184, 51_200, 800))])
def test_srcnn_works_at_high_resolution(name: str, layers: tuple[int, ...]) -> None:
    network = registry.load_network(Path(__file__).parents[2] / f"docs/baselines/srcnn-{name}_x3.onnx")
    assert cost.macs_per_sample(network) == 9 * sum(layers)
    assert cost.activation_bytes(network) == 9 * 4 * (64 + 32)


def test_shapes_that_cannot_be_told() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    weight = network.graph.node[2].input[1]
    (held,) = (each for each in network.graph.initializer if each.name == weight)
    network.graph.initializer.remove(held)
    with pytest.raises(InputError, match="does not give the shapes of the convolution 'sums1'"):
        cost.macs_per_sample(network)
