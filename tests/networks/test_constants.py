"""What a network holds as constants."""

import numpy as np
from onnx import helper, numpy_helper

from tests.small_networks import conv, kernel, network, shuffle
from vs_espcn.networks.constants import constants_of


def test_initializers_and_nodes_count_and_a_node_without_a_value_does_not() -> None:
    nodes = [
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Constant", [], ["sides"], value_ints=[2, 3]),
        helper.make_node("Constant", [], ["nothing"]),
        conv("luma", "weights", "phases"),
        shuffle("phases", "upscaled", 2),
    ]
    found = constants_of(network(nodes, {"weights": kernel(4, 1)}))
    assert found.keys() == {"weights", "half", "sides"}
    assert numpy_helper.to_array(found["half"]) == np.float32(0.5)
    assert numpy_helper.to_array(found["sides"]).tolist() == [2, 3]
