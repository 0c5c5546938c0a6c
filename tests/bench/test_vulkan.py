"""The benchmark on a Vulkan device, which may be one in software."""

import json

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs

from tests.command import in_own_process as run
from vs_espcn.errors import BackendError
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import Vulkan
from vs_espcn.runtime.precision import resolve

bench = pytest.importorskip("vs_espcn.bench.vulkan", reason="ncnn is not installed", exc_type=BackendError)


@pytest.mark.usefixtures("vulkan")
@pytest.mark.slow
def test_bench_prints_the_engine_beside_the_filter() -> None:
    done = run(
        *("bench", "--backend", "vulkan", "--device", "0", "--network", "subpixel-xs", "--scale", "2"),
        *("--frames", "2", "--repeats", "1"),
    )
    rows = json.loads(done.stdout.splitlines()[-1])["results"]
    beside = ["core.ncnn.Model, luma only", "core.ncnn.Model, whole clip"] if hasattr(vs.core, "ncnn") else []
    assert [row["name"] for row in rows] == ["network alone", "engine", "vs_espcn.upscale", *beside]
    assert all(row["fps"] > 0 for row in rows)


@pytest.mark.usefixtures("vulkan")
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(vs.core, "ncnn"), reason="the plugin vapoursynth-mlrt-ncnn is not installed")
def test_the_plugin_beside_computes_the_network() -> None:
    """Its frames per second count because its frames are right."""
    clip = vs.core.std.BlankClip(width=24, height=16, format=vs.YUV420P8, length=1, color=[90, 128, 128])
    clip = vs.core.std.AddBorders(clip, left=4, right=4, top=4, bottom=4, color=[200, 90, 160])
    backend = Vulkan(device=0, precision="fp32")
    resolved = resolve(registry.find("subpixel-xs", 2), backend, 8)
    luma = bench.plugin_luma(clip, resolved, bench.find_device(0), lanes=1)
    given = vs.core.resize.Point(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), format=vs.GRAYS)
    (expected,) = onnxruntime.InferenceSession(resolved.network.SerializeToString()).run(
        None, {registry.INPUT_NAME: np.asarray(given.get_frame(0)[0])[None, None]}
    )
    assert np.abs(np.asarray(luma.get_frame(0)[0]) - expected[0, 0]).max() <= 1e-4
