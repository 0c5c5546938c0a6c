"""The scripts in scripts/dev that write tables and pictures of the pages."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from vs_espcn.bench.cpu import FILTER
from vs_espcn.evaluation.methods import Method
from vs_espcn.networks import registry
from vs_espcn.training.history import History, HistoryRow

SCRIPTS = Path(__file__).parents[2] / "scripts" / "dev"


@pytest.fixture(autouse=True)
def _beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import each other, as they do when they are run."""
    monkeypatch.syspath_prepend(SCRIPTS)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_table_goes_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- end of x -->\nb\n")
    pages = load("pages")
    pages.paste(page, {"x": "new"})
    assert page.read_text() == "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n"
    with pytest.raises(SystemExit, match="0 places marked <!-- y -->"):
        pages.paste(page, {"y": "new"})


def test_a_rate_is_sustained_if_the_slowest_round_reaches_it() -> None:
    real_time = load("realtime_table")
    assert real_time.FILTER == FILTER
    common = {"name": FILTER, "network": "espcn", "size": "1920x1080", "precision": "bf16"}
    rows = [
        {**common, "scale": 3, "fps": 61.0, "slowest": 29.9},
        {**common, "scale": 4, "fps": 61.0, "slowest": 60.1},
        {**common, "scale": 4, "fps": 99.0, "slowest": 98.0, "name": "other"},
    ]
    assert real_time.by_scale(rows).splitlines() == [
        "| network | precision | x3, from 640x360 | x4, from 480x270 |",
        "| --- | --- | --- | --- |",
        "| espcn | bf16 | 29 | 60 |",
    ]


def test_a_pivot_has_a_dash_where_nothing_was_measured() -> None:
    cells = {("a", "x2"): "1", ("a", "x3"): "2", ("b", "x3"): "3"}
    assert load("pages").pivot(("network",), cells).splitlines() == [
        "| network | x2 | x3 |",
        "| --- | --- | --- |",
        "| a | 1 | 2 |",
        "| b | – | 3 |",
    ]


def test_a_networks_page_keeps_the_means() -> None:
    text = "### x2\n\n| clip | a |\n| --- | --- |\n| one | 1 |\n| **mean** | 2 |\n\n- a falls behind\n"
    rows_of = load("network_tables").rows_of
    assert rows_of(text).splitlines() == ["### x2", "", "| clip | a |", "| --- | --- |", "| **mean** | 2 |"]


def test_training_curves_are_drawn(tmp_path: Path) -> None:
    for name in ("espcn_x2", "espcn_x3", "srcnn-915_x3"):
        history = History(tmp_path / f"{name}.csv")
        for step in (1, 2):
            history.add(HistoryRow(step=step, hours=step / 10, rate=1e-3, loss=1e-3, psnr=30.0 + step))
    output = tmp_path / "curves.png"
    load("training_curves").main(tmp_path, output)
    with Image.open(output) as picture:
        assert picture.width > picture.height
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SystemExit, match=r"no \.csv files in"):
        load("training_curves").main(empty, output)


def test_only_networks_that_are_new_or_changed_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quality = load("network_quality")
    specs = [
        registry.ModelSpec(network=name, scale=scale, path=tmp_path / f"{name}_x{scale}.onnx")
        for name, scale in (("a", 2), ("b", 2), ("a", 3))
    ]
    for spec in specs:
        spec.path.write_text(spec.path.name)
    monkeypatch.setattr(quality.registry, "shipped", lambda: specs)
    measured: list[str] = []

    def measure(stale: list[Method], scale: int, _: Path) -> dict[str, dict[str, float]]:
        assert all(method.scales in (None, {scale}) for method in stale)
        measured.extend(method.name for method in stale)
        return {method.name: {"set5": 1.0} for method in stale}

    def unopened(_: Path) -> None:
        """The files hold no networks."""

    monkeypatch.setattr(quality, "measured", measure)
    monkeypatch.setattr(quality, "_exactly", unopened)
    entries = quality.renewed({"gone_x2.onnx": {}}, tmp_path)
    assert measured == ["a_x2.onnx", "b_x2.onnx", "bicubic_x2", "a_x3.onnx", "bicubic_x3"]
    assert sorted(entries) == sorted(measured)
    specs[1].path.write_text("trained again")
    measured.clear()
    quality.renewed(entries, tmp_path)
    assert measured == ["b_x2.onnx"]
    measured.clear()
    quality.renewed(entries | {"a_x3.onnx": entries["a_x3.onnx"] | {"protocol": "older"}}, tmp_path)
    assert measured == ["b_x2.onnx", "a_x3.onnx"]
