"""Plans and kernels: when they are built, when they are taken from the cache."""

import sys

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.engines import open_engine
from tests.runtime.double import fake_tensorrt
from tests.runtime.double.driver import set_
from tests.runtime.double.engines import engine, noise, reference, upscaled
from tests.runtime.double.fake_tensorrt import faults
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import cuda, tiles
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.tensorrt import api, plan_cache, prebuild


class TestPlans:
    def test_a_plan_is_built_once(self, caplog: pytest.LogCaptureFixture) -> None:
        engine()
        engine(lanes=2)
        engine(TensorRT(device=1, precision="fp32"))  # plans of this flavour are for all GPUs of a capability
        assert faults["built"] == 1
        (stored,) = plan_cache.stored_plans()
        assert stored.key is not None
        assert (
            stored.key.title == "32x20 to 64x40, 8-bit limited range, fp32, on GPUs of compute capability 8.9"
        )
        assert caplog.text.count("building a plan") == 1

    def test_another_precision_format_or_gpu_is_another_plan(self) -> None:
        engine(TensorRT(precision="fp16"))
        engine(TensorRT(precision="fp32"))
        engine(sample=graph.UINT16[10])
        set_("minor", 6)
        cuda.open_device.cache_clear()
        engine()
        assert len(plan_cache.stored_plans()) == 4

    @pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
    def test_a_damaged_plan_is_rebuilt_and_it_is_said_why(
        self, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine()
        (stored,) = plan_cache.stored_plans()
        content = stored.path.read_bytes()
        stored.path.write_bytes({"truncated": content[:-9], "foreign": b"{}\n", "empty": b""}[damage])
        caplog.clear()
        upscaled(engine().slots[0], noise(0))
        assert faults["built"] == 2
        assert caplog.text.count("building a plan") == 1
        assert "the stored " in caplog.text
        assert stored.path.read_bytes() == content

    def test_a_plan_of_another_machine_is_rebuilt_and_it_is_said_why(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its file was copied over this one's."""
        set_("minor", 6)
        engine()
        (foreign,) = plan_cache.stored_plans()
        set_("minor", 9)
        cuda.open_device.cache_clear()
        engine()
        (own,) = (each for each in plan_cache.stored_plans() if each.path != foreign.path)
        content = own.path.read_bytes()
        own.path.write_bytes(foreign.path.read_bytes())
        caplog.clear()
        assert np.abs(upscaled(engine().slots[0], noise(0)).astype(int) - reference(noise(0))).max() <= 1
        (record,) = caplog.records
        assert "building a plan for 32x20 to 64x40" in record.getMessage()
        assert "the stored plan is for something else" in record.getMessage()
        assert faults["built"] == 3
        assert own.path.read_bytes() == content

    def test_a_plan_that_does_not_load_is_rebuilt_once(self) -> None:
        engine()
        faults["validity"] = True
        with pytest.raises(BackendError, match=r"OLD_CUDA_DRIVER.*although it was just built for Double 0"):
            engine()
        assert faults["built"] == 2

    def test_building_may_be_forbidden(self) -> None:
        with pytest.raises(BackendError, match=r"no plan for 32x20 to 64x40, .* warm the cache with"):
            engine(TensorRT(build=False))

    def test_a_build_that_fails_says_what_tensorrt_says(self) -> None:
        faults["build"] = "no tactic for conv1"
        with pytest.raises(BackendError, match="cannot build the network: no tactic for conv1"):
            engine()

    def test_the_other_flavour(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It has no targets and no validity: a plan is for one GPU by name, and loading it is the test."""
        monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt.module("tensorrt"))
        api.load_api.cache_clear()
        try:
            opened = engine()
            assert opened.description.startswith("tensorrt 0.double on Double 0")
            assert "compiled" not in faults  # its plans hold kernels
            assert "running without a CUDA graph" not in caplog.text
            engine(TensorRT(precision="fp32", max_size=(40, 30)))
            assert faults.pop("built") == 2
            plan_cache.clear()
            engine()
            assert "on Double 0 of compute capability 8.9" in str(plan_cache.stored_plans()[0].key)
            faults["deserialize"] = True
            with pytest.raises(BackendError, match="the plan is not understood"):
                engine()
            assert faults["built"] == 2
        finally:
            api.load_api.cache_clear()


class TestKernels:
    """What TensorRT-RTX compiles when contexts are made."""

    def test_they_are_compiled_once_and_kept(self) -> None:
        written = set()
        for _ in range(3):
            upscaled(engine(lanes=2).slots[1], noise(0))
            (stored,) = plan_cache.plans_dir().glob("*.kernels")
            written.add(stored.read_bytes())
        assert faults["compiled"] == 1
        assert len(written) == 1
        assert b'"device": "Double 0"' in stored.read_bytes()

    def test_each_kind_of_gpu_has_its_own(self) -> None:
        engine(TensorRT(device=[0, 1]), lanes=2)
        assert faults["built"] == 1
        assert len([*plan_cache.plans_dir().glob("*.kernels")]) == 2

    @pytest.mark.parametrize("damage", ["refused", "truncated"])
    def test_what_cannot_be_used_is_compiled_again(self, damage: str) -> None:
        engine()
        (stored,) = plan_cache.plans_dir().glob("*.kernels")
        content = stored.read_bytes()
        if damage == "refused":
            faults["kernels"] = True
        else:
            stored.write_bytes(content[:-2])
        assert np.abs(upscaled(engine().slots[0], noise(0)).astype(int) - reference(noise(0))).max() <= 1
        assert faults["compiled"] == 2
        assert stored.read_bytes() != content
        assert stored.stat().st_size == len(content)

    def test_a_plan_for_many_sizes_has_kernels_of_each(self) -> None:
        for width, height in ((32, 20), (16, 16), (32, 20)):
            network = registry.load_network(registry.find("espcn", 2).path)
            model = graph.build_graph(network, graph.UINT8, full_range=False, width=width, height=height)
            open_engine(TensorRT(precision="fp32", max_size=(48, 32)), model, lanes=2, depth=8).close()
        assert faults["compiled"] == 2
        assert len([*plan_cache.plans_dir().glob("*.kernels")]) == 2

    def test_clearing_deletes_them_too(self) -> None:
        engine()
        assert plan_cache.clear() == 1
        assert not [*plan_cache.plans_dir().glob("*.kernels")]


def test_warming_makes_the_plans_that_the_filter_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "GPU_LANE_BUDGET", 2_000_000)  # the clip is too large to go in one piece
    stored = prebuild.build_plans(prebuild.BuildRequest(width=160, height=100, scale=2, bits=10))
    assert len(stored) == 2
    assert stored[0].key is not None
    assert not stored[0].key.title.startswith("160x100")
    clip = vs.core.std.BlankClip(format=vs.YUV420P10, width=160, height=100, length=8)
    vs_espcn.upscale(clip, 2, network="espcn", backend=TensorRT(build=False))
