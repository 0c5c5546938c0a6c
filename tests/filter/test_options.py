"""The filter's options as one checked object."""

import inspect
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

import vs_espcn
from vs_espcn.commands.cli_options import FilterOptions
from vs_espcn.errors import InputError
from vs_espcn.filter.auto_network import Criteria
from vs_espcn.filter.options import UpscaleOptions


def test_the_functions_arguments_and_defaults_are_the_options() -> None:
    clip, *arguments = inspect.signature(vs_espcn.upscale).parameters.values()
    assert clip.name == "clip"
    assert {each.name: each.default for each in arguments} == {
        field.name: field.default for field in fields(UpscaleOptions)
    }


def test_the_commands_defaults_are_the_functions() -> None:
    defaults = {field.name: field.default for field in fields(UpscaleOptions)}
    of_commands = {field.name: field.default for field in fields(FilterOptions)}
    for own in ("precision", "device"):  # they name the backend together with its name
        assert of_commands.pop(own) is None
    assert of_commands.pop("scale") is None, "the filter's, unless a size is given"
    assert of_commands == {name: defaults[name] for name in of_commands}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.5}, "scale is 0.5; give a number of at least 1"),
        ({"scale": -2}, "scale is -2"),
        ({"scale": "x2"}, "scale is 'x2'"),
        ({"scale": True}, "scale is True"),
        ({"scale": 1e308}, "scale is 1e.308; give a number of at least 1, and at most 1000"),
        ({"scale": float("inf")}, "scale is inf"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"width": 10**400}, r"width is 1000*; give a whole number of at least 1, and at most 1000000"),
        ({"height": 1_000_001}, "height is 1000001; give a whole number of at least 1"),
        ({"width": 0}, "width is 0; give a whole number of at least 1"),
        ({"height": 2.5}, "height is 2.5"),
        ({"height": 1080.0}, "height is 1080.0; give a whole number"),
        (
            {"network": "espcn", "source": "video"},
            "source='video' is for network='auto', and network is 'espcn'",
        ),
        ({"network": "auto", "fps": -1}, "fps is -1; give a number above 0"),
        ({"backend": "openvino"}, "backend is 'openvino'; give vs_espcn"),
        ({"chroma": "sinc"}, "sinc"),
        ({"range": "tv"}, "range is 'tv'; give 'limited', 'full'"),
        ({"matrix": 0}, "matrix is 0; accepted are"),
        ({"tile": 64}, r"tile is 64; give \(width, height\)"),
    ],
)
def test_options_are_checked_when_they_are_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        UpscaleOptions(**options)


def test_a_size_takes_the_place_of_the_scale() -> None:
    assert UpscaleOptions(scale=0, width=640).width == 640


def test_a_chosen_network_replaces_its_criteria() -> None:
    options = UpscaleOptions(network="auto", source="anime", fps=24)
    assert options.criteria == Criteria(source="anime", fps=24)
    named = options.with_network("espcn")
    assert (named.network, named.criteria) == ("espcn", None)


def test_options_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        UpscaleOptions().scale = 3  # type: ignore[misc]
