"""What a GPU is to show: how its figures are judged, and what is said where there is none."""

import importlib.machinery
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.programs import SCRIPTS, Environment, run


class TestGpuTargets:
    """The arithmetic of the verdicts; the figures are made up."""

    @pytest.fixture
    def script(self) -> ModuleType:
        pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed")
        spec = importlib.util.spec_from_file_location("gpu_targets", SCRIPTS / "dev" / "gpu_targets.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["gpu_targets"] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    def rows(self, *rows: tuple[str, str, float]) -> list[dict[str, object]]:
        return [
            {"name": name, "case": case, "precision": "fp16", "ms": ms, "fps": 0} for name, case, ms in rows
        ]

    def test_every_target_has_a_verdict(self, script: ModuleType) -> None:
        x2 = "960x540 x2, 8 bits, {} lanes, graph {}"
        rows = self.rows(
            (script.FILTER, x2.format(2, "on"), 1.0),
            (script.FILTER, x2.format(3, "on"), 0.5),
            (script.FILTER, x2.format(4, "off"), 0.1),  # targets are for recorded graphs
            (script.PEER, x2.format(4, "on"), 0.6),
            (script.PEER_FLOATS, x2.format(4, "on"), 0.7),
            (script.COPIES, x2.format(1, "on"), 0.2),
            (script.BOUND, x2.format(1, "on"), 0.4),
            (script.FILTER, "640x360 x3, 8 bits, 2 lanes, graph on", 1.8),
            (script.FILTER, "480x270 x4, 8 bits, 2 lanes, graph on", 1.5),
            (script.FILTER, "480x270 x4, 10 bits, 2 lanes, graph on", 0.1),
        )
        found = {each.target: (each.measured, each.met) for each in script.speed_verdicts(rows)}
        bound = "at least 0.7 of the tighter bound, copies or operations"
        assert found == {
            "x2 to 1080p, at least 1.5× vs-mlrt with float samples": ("1.40×", False),
            "x2 to 1080p, not slower than vs-mlrt on the same plan": ("1.20×", True),
            f"x2 to 1080p, {bound}": ("0.80×", True),
            f"x3 to 1080p, {bound}": ("not measured", None),
            f"x4 to 1080p, {bound}": ("not measured", None),
            f"x2 to 2160p, {bound}": ("not measured", None),
            "x3 to 1080p, 20× the paper's 0.038 s": ("21.11×", True),
            "x4 to 1080p, 20× the paper's 0.029 s": ("19.33×", False),
        }

    def test_what_was_not_measured_is_said(self, script: ModuleType) -> None:
        verdicts = script.speed_verdicts([])
        assert all(each.met is None for each in verdicts)
        assert "| x2 to 1080p, at least 1.5× vs-mlrt with float samples | vs-mlrt's plugin was not" in (
            script.table(verdicts)
        )


class TestReport:
    @pytest.fixture
    def script(self) -> ModuleType:
        loader = importlib.machinery.SourceFileLoader("gpu_check", str(SCRIPTS / "dev" / "gpu_check"))
        module = ModuleType(loader.name)
        module.__file__ = loader.path
        loader.exec_module(module)
        return module

    @pytest.mark.parametrize("line", ["5", "[1]", "null", '{"a": 1}', "a library's own words", ""])
    def test_what_a_library_prints_is_kept(self, script: ModuleType, tmp_path: Path, line: str) -> None:
        report = script.Report(tmp_path / "report.md")
        report.fact("slot", line)
        assert line in (tmp_path / "report.md").read_text()
        (kept,) = (tmp_path / "report.md.jsonl").read_text().splitlines()
        assert json.loads(kept) == {"part": "slot", "what": line}
        assert report.is_good

    def test_facts(self, script: ModuleType, tmp_path: Path) -> None:
        report = script.Report(tmp_path / "report.md")
        report.fact("slot", '{"what": "device", "name": "A", "mb": 1.23456}')
        report.fact("slot", '{"what": "codes", "worst": 9, "ok": false}')
        report.fact("torch", '{"what": "torch", "not_run": "no driver"}')
        assert (tmp_path / "report.md").read_text().splitlines() == [
            "| device | name A, mb 1.235 | – |",
            "| codes | worst 9 | **WRONG** |",
            "| torch | no driver | not run |",
        ]
        assert report.has_gpu
        assert not report.is_good
        assert report.not_run == ["torch (part torch)"]

    def test_what_would_end_too_late_is_not_begun(
        self, script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(script, "VISIT", 20)
        monkeypatch.setattr(script, "GPU", ())
        monkeypatch.setitem(script.PARTS, "slot", ((), 100))
        report = script.Report(tmp_path / "report.md")
        script.run_part(report, "slot")
        assert script.run_command(report, "the tests", ["no such program"], 60) is None
        text = (tmp_path / "report.md").read_text()
        assert "Not run (slot): it may take 100 s, and 20 s are left of the visit's 20." in text
        assert "Not run (the tests): it may take 60 s, and 20 s are left" in text

    def test_all_parts_end_within_ten_minutes(self, script: ModuleType) -> None:
        assert sum(limit + 5 for _, limit in script.PARTS.values()) < script.VISIT < 600 - 5


def test_gpu_check_without_a_gpu_says_so_and_fails(tmp_path: Path, environment: Environment) -> None:
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed")
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU here")
    report = tmp_path / "report.md"
    run(sys.executable, SCRIPTS / "dev" / "gpu_check", report, env=environment, code=1)
    text = report.read_text()
    assert "no NVIDIA driver was found" in text
    assert "No GPU can be used here; nothing else was run." in text
