"""What a run in segments remembers of its filter."""

import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import vs_espcn
from vs_espcn.commands.file_upscaling import UpscaleRequest
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.networks import registry

OTHERS: dict[str, Any] = {
    "scale": 3,
    "width": 640,
    "height": 480,
    "network": "espcn",
    "source": "anime",
    "fps": 24.0,
    "backend": vs_espcn.OpenVINO(precision="fp32"),
    "chroma": "bicubic",
    "range": "full",
    "matrix": 1,
    "tile": (64, 64),
}
"""Another value of every option."""

OF_THE_PLAN = {"filter", "start", "end", "frames", "preset", "ffmpeg_args"}
"""What the description has from the plan, or in the filter's options."""

OF_THE_RUN = {"overwrite", "resume", "dry_run"}
"""What no frame depends on."""


@pytest.mark.parametrize("name", [field.name for field in fields(UpscaleOptions)])
def test_another_value_of_any_option_makes_other_segments(name: str) -> None:
    plain = UpscaleRequest(filter=UpscaleOptions())
    other = replace(plain, filter=replace(plain.filter, **{name: OTHERS[name]}))
    assert other.settings != plain.settings
    assert other.settings == replace(other).settings


def test_other_deinterlacing_makes_other_segments_and_nothing_else_is_left_out() -> None:
    plain = UpscaleRequest(filter=UpscaleOptions())
    assert len({str(replace(plain, deinterlace=kind).settings) for kind in (None, "field", "frame")}) == 3
    known = {"deinterlace"} | OF_THE_PLAN | OF_THE_RUN
    assert {field.name for field in fields(UpscaleRequest)} == known
    assert replace(plain, overwrite=True).settings == plain.settings


def test_another_file_under_the_same_name_makes_other_segments(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    found = []
    for name in ("espcn", "subpixel-s"):
        shutil.copy(registry.find(name, 2).path, path)
        found.append(UpscaleRequest(filter=UpscaleOptions(network=path)).settings)
    assert found[0] != found[1]
