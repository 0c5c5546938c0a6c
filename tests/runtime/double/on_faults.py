"""What goes wrong around a slot: failing GPUs, collections and closing in the middle, lanes all at once."""

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import numpy as np
import pytest

from tests.runtime.double.driver import get, set_
from tests.runtime.double.engines import HEIGHT, WIDTH, engine, noise, reference, upscaled
from tests.runtime.double.fake_tensorrt import faults
from vs_espcn.errors import BackendError
from vs_espcn.runtime import cuda
from vs_espcn.runtime.backends import TensorRT
from vs_espcn.runtime.cuda_resources import Resources, upload, wait


class TestClosing:
    def test_after_a_failure_of_the_gpu_everything_is_let_go(self) -> None:
        live = get("live")
        opened = engine(lanes=2)
        set_("fail_in", 1)
        with pytest.raises(BackendError, match="ILLEGAL_ADDRESS"):
            upscaled(opened.slots[0], noise(0))
        opened.close()
        del opened
        gc.collect()
        assert get("live") == live

    def test_a_failure_while_opening_is_the_one_that_is_said(self) -> None:
        set_("fail_in", 1)
        with pytest.raises(BackendError, match="cuEventSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS"):
            engine()

    def test_a_collection_while_a_context_is_made(self) -> None:
        """It closes what it finds, in the thread that makes the context."""
        opened = [engine()]

        def collect() -> None:
            with opened[0].slots[0].device._making:
                opened.clear()
                gc.collect()

        live = get("live")
        Thread(target=collect, daemon=True).start()
        for _ in range(600):  # a lock that is taken twice would never come free
            if get("live") < live:
                return
            Event().wait(0.1)
        pytest.fail("what was collected is not closed")

    def test_waits_for_the_frame_in_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A copy to or from pinned memory runs without the interpreter's lock."""
        opened = engine()
        (slot,) = opened.slots
        copying, closing = Event(), Event()
        live_while_copying = []
        copyto = np.copyto

        def slow_copy(target: np.ndarray, source: np.ndarray) -> None:
            copying.set()
            closing.wait()
            Event().wait(0.05)  # for a close that does not wait
            live_while_copying.append(get("live"))
            copyto(target, source)

        monkeypatch.setattr(np, "copyto", slow_copy)
        live = get("live")
        with ThreadPoolExecutor(2) as pool:
            frame = pool.submit(upscaled, slot, noise(0))
            copying.wait()
            closed = pool.submit(lambda: (closing.set(), opened.close()))
            assert np.abs(frame.result().astype(int) - reference(noise(0))).max() <= 1
            closed.result()
        assert live_while_copying == [live, live]


def test_once_a_gpu_has_failed_every_call_says_so() -> None:
    """Of the double: a wait for what was done before, too."""
    device = cuda.open_device(0)
    resources = Resources(device)
    stream, event, memory = resources.stream(), resources.event(), resources.on_device(64)
    pinned = resources.pinned(64)
    graph = resources.graph(stream, lambda: upload(memory, pinned[None], stream))
    wait(event, stream)
    set_("fail_in", 1)
    upload(memory, pinned[None], stream)
    driver = cuda.driver
    assert driver.cuStreamSynchronize(stream)[0] == driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
    calls = {
        driver.cuEventSynchronize: (event,),
        driver.cuEventRecord: (event, stream),
        driver.cuStreamSynchronize: (stream,),
        driver.cuStreamCreate: (0,),
        driver.cuEventCreate: (0,),
        driver.cuGraphCreate: (0,),
        driver.cuGraphLaunch: (graph, stream),
        driver.cuStreamEndCapture: (stream,),
        driver.cuMemAlloc: (64,),
        driver.cuMemHostAlloc: (64, 0),
        driver.cuMemGetInfo: (),
        driver.cuMemcpyHtoDAsync: (memory, pinned.ctypes.data, 64, stream),
        driver.cuMemcpyDtoDAsync: (memory, memory, 64, stream),
    }
    codes = {function.__name__: function(*arguments)[0].name for function, arguments in calls.items()}
    assert codes == dict.fromkeys(codes, "CUDA_ERROR_ILLEGAL_ADDRESS")
    resources.close()


class TestRecording:
    def test_a_collection_that_frees_another_slot_does_not_spoil_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        others = [engine(), engine()]

        def collect() -> None:  # for the first frame, and for the one that is recorded
            others.pop()
            gc.collect()

        faults["while_enqueued"] = collect
        (slot,) = engine().slots
        assert not others
        assert "running without a CUDA graph" not in caplog.text
        launches = get("launches")
        upscaled(slot, noise(0))
        assert get("launches") == launches + 1

    @pytest.mark.parametrize("outcome", [1, 2])
    def test_one_that_fails_leaves_no_graph(self, outcome: int) -> None:
        live = get("live")
        set_("fail_capture", outcome)
        opened = engine()
        upscaled(opened.slots[0], noise(0))
        opened.close()
        del opened
        gc.collect()
        assert get("live") == live


def test_lanes_run_at_the_same_time() -> None:
    slots = engine(lanes=2).slots
    both = Barrier(2, timeout=60)
    faults["meet"] = both.wait
    with ThreadPoolExecutor(2) as pool:
        results = [*pool.map(upscaled, slots, [noise(1), noise(2)])]
    assert np.abs(results[0].astype(int) - reference(noise(1))).max() <= 1
    assert np.abs(results[1].astype(int) - reference(noise(2))).max() <= 1


def test_an_engine_whose_lanes_close_while_all_work() -> None:
    opened = engine(lanes=3)

    def work(lane: int) -> None:
        while True:
            upscaled(opened.slots[lane], noise(lane))

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, lane) for lane in range(3)]
        Event().wait(0.1)
        opened.close()
        for each in working:
            with pytest.raises(BackendError, match="closed"):
                each.result()


def test_looking_for_a_gpu_makes_no_context_and_using_it_makes_one() -> None:
    script = (
        "from tests.runtime.double import driver, plugin\n"
        "from vs_espcn.runtime.backends import TensorRT\n"
        "from vs_espcn.runtime.default_backend import probe\n"
        "probe(TensorRT()), probe(TensorRT())\n"
        "print(driver.get('contexts'))\n"
        "from tests.runtime.double.engines import engine\n"
        "engine(), engine(lanes=2)\n"
        "print(driver.get('contexts'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1"]


class TestDevicesThatRefuse:
    def test_memory_that_ends_at_a_later_lane(self) -> None:
        live = get("live")
        set_("fail_alloc_in", 12)
        with pytest.raises(
            BackendError, match=r"GPU 0 \(Double 0\) has no memory left at lane 2 of 3.*; use fewer lanes"
        ):
            engine(TensorRT(lanes=3), lanes=3)
        gc.collect()
        assert get("live") == live

    def test_lanes_that_nobody_asked_for_may_be_fewer(self, caplog: pytest.LogCaptureFixture) -> None:
        set_("fail_alloc_in", 12)
        opened = engine(TensorRT(precision="fp32"), lanes=3)
        assert "GPU 0 (Double 0) has no memory left at lane 2 of 3: running with 1" in caplog.text
        assert opened.description.endswith("fp32, 1 lanes")
        assert np.abs(upscaled(opened.slots[0], noise(0)).astype(int) - reference(noise(0))).max() <= 1

    def test_memory_that_tensorrt_itself_finds_too_little_for_a_later_lane(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It returns nothing then, and says why to its logger."""
        faults["contexts"] = 2
        assert len(engine(TensorRT(precision="fp32"), lanes=3).slots) == 2
        assert "no memory left at lane 3 of 3: running with 2" in caplog.text
        faults["contexts"] = 2
        with pytest.raises(
            BackendError,
            match=r"at lane 3 of 3: tensorrt_rtx .* cannot make an execution context: .*: OutOfMem.*;",
        ):
            engine(TensorRT(lanes=3, precision="fp32"), lanes=3)

    @pytest.mark.parametrize(
        ("fault", "value"), [("contexts", 0), ("memory", "Error Code 1: Cuda Runtime (out of memory)")]
    )
    def test_memory_that_tensorrt_itself_finds_too_little_for_the_first_lane(
        self, fault: str, value: object
    ) -> None:
        engine().close()
        faults[fault] = value
        with pytest.raises(
            BackendError, match=r"(?i)out ?of ?memory.*; use precision='fp16' or smaller tiles"
        ):
            engine(lanes=2)
        assert faults["built"] == 1  # a plan that there is no memory for is not built again

    def test_a_gpu_that_another_process_holds(self) -> None:
        set_("exclusive", 1)
        with pytest.raises(
            BackendError, match=r"GPU 0 \(Double 0\) is held by another process in exclusive mode; "
        ):
            engine()

    def test_a_second_gpu_that_is_not_supported_is_named(self) -> None:
        set_("minor1", 7)
        with pytest.raises(BackendError, match=r"GPU 1 \(Double 1\): tensorrt_rtx .* capability 8\.7"):
            engine(TensorRT(device=[0, 1]), lanes=2)

    def test_gpus_of_two_capabilities_have_a_plan_each(self) -> None:
        set_("minor1", 6)
        opened = engine(TensorRT(device=[0, 1], precision="fp32"), lanes=2)
        assert faults["built"] == 2
        for slot in opened.slots:
            assert np.abs(upscaled(slot, noise(3)).astype(int) - reference(noise(3))).max() <= 1

    def test_a_slice_of_a_gpu_is_one_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_("mig", 1)
        set_("devices", 1)
        assert "Double 0 MIG 1g.10gb" in engine().description
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1,MIG-2")
        with pytest.raises(
            BackendError, match=r"no GPU 1; present is 0 \(CUDA_VISIBLE_DEVICES is 'MIG-1,MIG-2'\); of the "
        ):
            engine(TensorRT(device=1))

    def test_a_gpu_that_is_lost_fails_every_frame_of_every_lane(self) -> None:
        opened = engine(lanes=2)
        set_("fail_code", 999)
        set_("fail_in", 1)
        for slot in (*opened.slots, *opened.slots):
            with pytest.raises(BackendError, match=r"GPU 0 \(Double 0\) failed"):
                upscaled(slot, np.zeros((HEIGHT, WIDTH), np.uint8))
