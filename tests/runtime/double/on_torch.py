"""The PyTorch engine: what it records, on which thread, in which arithmetic."""

import gc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import numpy as np
import onnxruntime
import pytest

from tests.engines import open_engine
from tests.runtime.double import fake_torch
from tests.runtime.double.driver import get, set_
from tests.runtime.double.engines import HEIGHT, WIDTH, noise, reference, upscaled, wrapped
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.networks.reach import reach_of
from vs_espcn.runtime.backends import Torch
from vs_espcn.runtime.cuda import OutOfMemoryError
from vs_espcn.runtime.engine import Engine
from vs_espcn.runtime.matrix_rate import PRODUCTS, matrix_rate
from vs_espcn.runtime.tiling import Tiling


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_torch.FakeCuda]:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    installed = fake_torch.install(monkeypatch.setattr)
    yield installed
    gc.collect()
    assert not installed.aborts


def engine(*, lanes: int = 1, **settings: object) -> Engine:
    backend = Torch(precision="fp32", **settings)  # type: ignore[arg-type]
    return open_engine(backend, wrapped(), lanes=lanes, depth=8)


@pytest.mark.usefixtures("fake")
class TestRecording:
    def test_a_frame_is_one_launch(self, caplog: pytest.LogCaptureFixture) -> None:
        (slot,) = engine().slots
        assert "running without a CUDA graph" not in caplog.text
        launches = get("launches")
        for seed in range(3):
            assert np.abs(upscaled(slot, noise(seed)).astype(int) - reference(noise(seed))).max() <= 1
        assert get("launches") == launches + 3

    def test_tiles_are_recorded_too(self) -> None:
        network = registry.load_network(registry.find("espcn", 2).path)
        radius = reach_of(network).radius or 0
        model = graph.build_graph(network, graph.UINT8, full_range=False, width=WIDTH, height=12)
        tiling = Tiling(size=(WIDTH, HEIGHT), tile=(WIDTH, 12), radius=radius)
        opened = open_engine(Torch(precision="fp32"), model, lanes=1, depth=8, tiling=tiling)
        difference = np.abs(upscaled(opened.slots[0], noise(1)).astype(int) - reference(noise(1)))
        assert difference.max() <= 1

    def test_without_a_graph(self) -> None:
        (slot,) = engine(cuda_graph=False).slots
        launches = get("launches")
        assert np.abs(upscaled(slot, noise(1)).astype(int) - reference(noise(1))).max() <= 1
        assert get("launches") == launches


class TestPools:
    """Memory that recorded graphs go on using."""

    def test_no_other_lane_computes_while_one_is_recorded(self, fake: fake_torch.FakeCuda) -> None:
        (eager,) = engine(cuda_graph=False).slots
        with ThreadPoolExecutor(1) as pool:
            frames: list[Future[np.ndarray]] = []

            def compute_elsewhere() -> None:
                frames.append(pool.submit(upscaled, eager, noise(1)))
                Event().wait(0.1)  # for its work to be waiting

            fake.while_recording = compute_elsewhere
            (slot,) = engine().slots
            assert np.abs(frames[0].result().astype(int) - reference(noise(1))).max() <= 1
        assert np.abs(upscaled(slot, noise(2)).astype(int) - reference(noise(2))).max() <= 1

    def test_two_frames_are_not_recorded_at_once(self, fake: fake_torch.FakeCuda) -> None:
        with ThreadPoolExecutor(1) as pool:
            opened: list[Future[Engine]] = []

            def record_elsewhere() -> None:
                opened.append(pool.submit(engine))
                Event().wait(0.1)

            fake.while_recording = record_elsewhere
            for each in (engine(), opened[0].result()):
                assert np.abs(upscaled(each.slots[0], noise(2)).astype(int) - reference(noise(2))).max() <= 1

    def test_one_that_a_collection_closes_goes_when_none_is_in_use(self, fake: fake_torch.FakeCuda) -> None:
        others = [engine()]

        def collect() -> None:
            others.pop()
            gc.collect()

        fake.while_recording = collect
        opened = engine()
        assert not others
        assert len(fake.pools) == 1
        opened.close()
        assert not fake.pools

    def test_one_stays_after_the_gpu_has_failed(self, fake: fake_torch.FakeCuda) -> None:
        opened = engine()
        set_("fail_in", 1)
        with pytest.raises(BackendError, match="ILLEGAL_ADDRESS"):
            upscaled(opened.slots[0], noise(0))
        opened.close()
        del opened
        gc.collect()
        assert len(fake.pools) == 1

    def test_those_of_other_lanes_stay_too(self, fake: fake_torch.FakeCuda) -> None:
        opened = engine(lanes=2, cuda_graph=False)
        set_("fail_in", 1)
        for slot in opened.slots:
            with pytest.raises(BackendError, match=r"GPU 0 \(Double 0\) failed: "):
                upscaled(slot, noise(0))
        opened.close()
        del opened
        gc.collect()
        assert len(fake.pools) == 2

    @pytest.mark.parametrize("refused", ["making", "using"])
    def test_without_them_frames_are_not_recorded(
        self, fake: fake_torch.FakeCuda, refused: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As with an allocator that the user chose (PYTORCH_CUDA_ALLOC_CONF)."""
        fake.refused.add(refused)
        (slot,) = engine().slots
        (record,) = caplog.records
        assert record.getMessage().startswith("running without a CUDA graph: PyTorch has no memory pool")
        assert np.abs(upscaled(slot, noise(1)).astype(int) - reference(noise(1))).max() <= 1

    def test_one_that_is_refused_for_the_recording_alone(
        self, fake: fake_torch.FakeCuda, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse() -> None:
            raise RuntimeError("not now")

        fake.while_recording = refuse
        (slot,) = engine().slots
        (record,) = caplog.records
        assert record.getMessage().endswith("not now")
        assert np.abs(upscaled(slot, noise(1)).astype(int) - reference(noise(1))).max() <= 1


@pytest.mark.usefixtures("fake")
def test_pytorchs_errors_while_loading_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("vs_espcn.runtime.torch")

    def fail(*_: object) -> None:
        raise runtime.torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(runtime, "TorchGraph", fail)
    with pytest.raises(OutOfMemoryError, match="PyTorch: CUDA out of memory"):
        engine()


class TestArithmetic:
    @pytest.mark.parametrize("before", ["tf32", "ieee"])
    def test_is_exact_and_the_processs_setting_stays(self, fake: fake_torch.FakeCuda, before: str) -> None:
        """Also where a user has set the newer attribute, after which the older ones refuse."""
        import torch  # noqa: PLC0415 - not installed everywhere

        torch.backends.cudnn.conv.fp32_precision = before
        try:
            slots = engine(lanes=4, cuda_graph=False).slots
            with ThreadPoolExecutor(4) as pool:
                for _ in range(10):
                    list(pool.map(upscaled, slots, map(noise, range(4))))
            assert fake.precisions == {"ieee"}
            assert torch.backends.cudnn.conv.fp32_precision == before
        finally:
            torch.backends.cudnn.conv.fp32_precision = "tf32"

    def test_nothing_is_set_per_frame_of_a_recorded_graph(self, fake: fake_torch.FakeCuda) -> None:
        (slot,) = engine().slots
        fake.precisions.clear()
        upscaled(slot, noise(0))
        assert not fake.precisions


def test_one_thread_computes_for_all(fake: fake_torch.FakeCuda) -> None:
    slots = engine(lanes=3, cuda_graph=False).slots
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(upscaled, slots, map(noise, range(3))))
    assert len(fake.threads) == 1


def test_memory_that_pytorch_does_not_get(fake: fake_torch.FakeCuda) -> None:
    fake.exhausted = True
    with pytest.raises(
        BackendError, match=r"no memory left at lane 1 of 2: PyTorch: CUDA out of memory; use fewer"
    ):
        engine(lanes=2)


@pytest.mark.usefixtures("fake")
def test_a_gpu_that_fails() -> None:
    (slot,) = engine(cuda_graph=False).slots
    set_("fail_in", 2)
    with pytest.raises(BackendError, match=r"GPU 0 \(Double 0\) failed: "):
        upscaled(slot, noise(0))


@pytest.mark.usefixtures("fake")
def test_a_driver_that_is_too_old_for_tensorrt() -> None:
    """PyTorch may be built for an older CUDA; whether the driver is new enough, it says itself."""
    set_("driver", 12080)
    assert upscaled(engine().slots[0], noise(0)).any()


@pytest.mark.usefixtures("fake")
def test_the_matrix_rate_goes_through_the_same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without convolutions, by a clock that goes on half a second a frame."""
    monkeypatch.setattr("vs_espcn.runtime.matrix_rate._time", lambda run, frames: run(frames) or frames / 2)
    assert matrix_rate(Torch(), "fp32", side=32) == pytest.approx(2 * PRODUCTS * 32**3 * 2)


@pytest.mark.usefixtures("fake")
def test_16_bits() -> None:
    sample = graph.UINT16[16]
    opened = open_engine(Torch(precision="fp32"), wrapped(sample), lanes=1, depth=16)
    session = onnxruntime.InferenceSession(wrapped(sample).SerializeToString())
    codes = noise(1, sample)
    expected = session.run(None, {graph.FRAME_NAME: codes[None, None]})[0][0, 0]
    assert np.abs(upscaled(opened.slots[0], codes).astype(int) - expected).max() <= 1
