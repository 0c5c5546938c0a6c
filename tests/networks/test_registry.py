import re
import shutil
from pathlib import Path

import onnx
import pytest

from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.networks.names import NETWORK_NAMES

USUAL = ("espcn", "subpixel-s", "subpixel-s-video", "subpixel-m-video")
IN_FLOATS_ALONE = ("subpixel-m", "subpixel-m-anime")
AT_X2_ALONE = ("subpixel-xs", "subpixel-xs-video")


@pytest.mark.parametrize("form", ["", registry.INT8_SUFFIX])
@pytest.mark.parametrize("network", [*USUAL, *AT_X2_ALONE])
def test_networks_for_real_time_are_shipped_in_int8_too(network: str, form: str) -> None:
    scales = [2] if network in AT_X2_ALONE else [2, 3, 4]
    assert [spec.scale for spec in registry.of_network(network + form)] == scales


@pytest.mark.parametrize("network", IN_FLOATS_ALONE)
def test_networks_for_the_best_picture_are_shipped_in_floats(network: str) -> None:
    specs = registry.of_network(network)
    assert [spec.scale for spec in specs] == [2, 3, 4]
    assert all(registry.in_int8(spec) is None for spec in specs)


def test_int8_is_a_form_of_a_shipped_network() -> None:
    for scale in (2, 3, 4):
        assert [registry.find(name, scale).is_int8 for name in ("espcn", "espcn-int8")] == [False, True]
        assert registry.in_int8(registry.find("espcn", scale)) == registry.find("espcn-int8", scale)
        assert registry.in_int8(registry.find("espcn-int8", scale)) is None


@pytest.mark.parametrize("spec", registry.shipped(), ids=lambda spec: spec.path.stem)
def test_a_networks_file_keeps_the_contract(spec: registry.ModelSpec) -> None:
    model = onnx.load(spec.path)
    onnx.checker.check_model(model, full_check=True)
    (source,), (target,) = model.graph.input, model.graph.output
    assert (source.name, target.name) == ("luma", "upscaled")
    for value in (source, target):
        tensor = value.type.tensor_type
        assert tensor.elem_type == onnx.TensorProto.FLOAT
        assert [dim.dim_value for dim in tensor.shape.dim[:2]] == [1, 1]
        assert all(dim.dim_param for dim in tensor.shape.dim[2:]), "height and width are dynamic"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["scale"] == str(spec.scale)
    assert metadata["network"] == spec.network
    assert "DepthToSpace" in {node.op_type for node in model.graph.node}
    assert spec.path.stat().st_size < 200_000


@pytest.mark.parametrize(
    ("network", "scale", "message"),
    [
        ("espcn", 5, "scale 5 has no espcn network; choose one of 2, 3, 4"),
        ("espcn", 0, "scale 0 has no espcn network"),
        ("nothing", 2, "network 'nothing' is not shipped; choose one of espcn"),
    ],
)
def test_unknown_choices_name_what_there_is(network: str, scale: int, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        registry.find(network, scale)


def test_a_file_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(registry.find("espcn", 2).path, path)
    assert registry.network_metadata(registry.load_network(path))["scale"] == "2"
    shutil.copy(registry.find("espcn", 3).path, path)
    assert registry.network_metadata(registry.load_network(path))["scale"] == "3"
    path.unlink()
    with pytest.raises(InputError, match="cannot read the network"):
        registry.load_network(path)


def test_a_caller_cannot_change_the_network_of_another() -> None:
    path = registry.find("espcn", 2).path
    registry.load_network(path).graph.ClearField("node")
    assert registry.load_network(path).graph.node


def test_the_names_for_type_checkers_are_the_shipped_networks() -> None:
    assert set(NETWORK_NAMES) == {spec.network for spec in registry.shipped()} | {registry.AUTO}
