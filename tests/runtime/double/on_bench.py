"""The benches of a GPU."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import vapoursynth as vs

from tests.runtime.double.driver import set_
from tests.runtime.double.engines import HEIGHT, WIDTH
from vs_espcn.bench import gpu as bench_gpu
from vs_espcn.bench import gpu_slot
from vs_espcn.runtime import tiles
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.cuda_slot import CudaSlot, PlaneType
from vs_espcn.runtime.matrix_rate import PRODUCTS, matrix_rate
from vs_espcn.runtime.tensorrt import plan_cache


@pytest.mark.parametrize("bits", [8, 10])
def test_the_benchmark_runs(bits: int) -> None:
    case = gpu_slot.GpuCase(scale=2, width=WIDTH, height=HEIGHT, bits=bits, lanes=2)
    results = bench_gpu.measure(case, TensorRT(), 1e9, frames=3, repeats=1)
    assert [result.name for result in results] == [
        *(gpu_slot.KERNELS, gpu_slot.COPIES, gpu_slot.SLOT, bench_gpu.FILTER, gpu_slot.BOUND)
    ]
    assert results[-1].ms == pytest.approx(2 * 21184 * WIDTH * HEIGHT / 1e9 * 1000)
    assert all(result.fps > 0 for result in results)
    assert results[0].case == f"32x20 x2, {bits} bits, 2 lanes, graph on"


def test_the_benchmark_has_a_plugin_beside_us(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A double of vs-mlrt's, which is given our plans; one that refuses them is left out, with a line."""
    seen = []

    def model(luma: vs.VideoNode, engine_path: str, **options: object) -> vs.VideoNode:
        seen.append(
            (luma.format.id, b'"allocated_by_user": false' in Path(engine_path).read_bytes(), options)
        )
        if refused and luma.format.id == vs.GRAYS:
            raise vs.Error("the engine is of another version")
        return vs.core.resize.Point(luma, width=2 * luma.width, height=2 * luma.height)

    class Core:
        trt_rtx = SimpleNamespace(Model=model)

        def __getattr__(self, name: str) -> object:
            return getattr(vs.core, name)

    monkeypatch.setattr(bench_gpu, "vs", SimpleNamespace(**{**vars(vs), "core": Core()}))
    case = gpu_slot.GpuCase(scale=2, width=WIDTH, height=HEIGHT, lanes=3)
    refused = False
    rows = bench_gpu.measure(case, TensorRT(), 1e9, frames=2, repeats=1)
    assert {bench_gpu.PEER, bench_gpu.PEER_FLOATS} < {row.name for row in rows}
    options = {"use_cuda_graph": True, "num_streams": 3}
    assert seen == [(vs.GRAY8, True, options), (vs.GRAYS, True, options)]  # its contexts allocate themselves
    refused = True
    rows = bench_gpu.measure(case, TensorRT(), 1e9, frames=2, repeats=1)
    assert bench_gpu.PEER_FLOATS not in {row.name for row in rows}
    assert "not compared with vs-mlrt with float samples: the engine is of another version" in caplog.text


def test_a_case_that_cannot_run_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bench_gpu, "matrix_rate", lambda *_: 1e9)
    set_("free", 1_000_000)
    cases = [gpu_slot.GpuCase(scale=2, width=side, height=side) for side in (16, 1000)]
    rows = [*bench_gpu.measure_gpu(cases, TensorRT(), frames=2, repeats=1)]
    assert {row.case for row in rows} == {"16x16 x2, 8 bits, 2 lanes, graph on"}
    assert "not compared with vs-mlrt: its plugin (trt or trt_rtx) is not installed" in caplog.text
    assert "not measured: 1000x1000 x2, 8 bits, 2 lanes, graph on: Double 0 has 0 MB" in caplog.text


def test_every_row_does_the_work_of_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tiles, where the filter takes tiles."""
    monkeypatch.setattr(tiles, "GPU_LANE_BUDGET", 1_000_000)
    sizes = []
    open_slot = CudaSlot.__init__

    def spy(slot: CudaSlot, device: object, source: PlaneType, *arguments: object, **options: object) -> None:
        sizes.append((source.width, source.height))
        open_slot(slot, device, source, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(CudaSlot, "__init__", spy)
    case = gpu_slot.GpuCase(scale=2, width=96, height=160, lanes=1)
    bench_gpu.measure(case, TensorRT(), 1e9, frames=2, repeats=1)
    assert len(sizes) == 2
    assert sizes[0] == sizes[1] != (96, 160)


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_the_matrix_rate_goes_through_the_same_engine(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on half a second a frame."""
    monkeypatch.setattr("vs_espcn.runtime.matrix_rate._time", lambda run, frames: run(frames) or frames / 2)
    measured = matrix_rate(TensorRT(), precision, side=64)  # type: ignore[arg-type]
    assert measured == pytest.approx(2 * PRODUCTS * 64**3 * 2)
    (stored,) = plan_cache.stored_plans()
    assert stored.key is not None
    assert stored.key.title.startswith(f"64x64 to 64x64, 8-bit limited range, {precision}")
