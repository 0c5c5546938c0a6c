"""Slots on a GPU: their frames, their work per frame, their failures; and the GPUs they are given."""

import gc

import numpy as np
import pytest

from tests.runtime.double.driver import get, set_
from tests.runtime.double.engines import HEIGHT, WIDTH, engine, noise, reference, upscaled
from tests.runtime.double.fake_tensorrt import faults
from vs_espcn.errors import BackendError
from vs_espcn.networks import graph
from vs_espcn.runtime.backends import TensorRT, lane_count


class TestSlot:
    @pytest.mark.parametrize("cuda_graph", [True, False])
    @pytest.mark.parametrize("sample", [graph.UINT8, graph.UINT16[10], graph.UINT16[16], graph.FLOAT32])
    def test_frames_are_right_in_any_sample_format(
        self, cuda_graph: bool, sample: graph.SampleFormat
    ) -> None:
        opened = engine(TensorRT(precision="fp32", cuda_graph=cuda_graph), sample=sample)
        for seed in range(3):
            codes = noise(seed, sample) if sample.depth else (noise(seed) / 255).astype(np.float32)
            if sample.depth:
                difference = np.abs(upscaled(opened.slots[0], codes).astype(int) - reference(codes, sample))
                assert difference.max() <= 1
            else:
                assert np.allclose(
                    upscaled(opened.slots[0], codes), reference(codes, sample), rtol=0, atol=1e-5
                )

    def test_nothing_is_allocated_per_frame(self) -> None:
        slots = engine(lanes=2).slots
        before = get("allocations")
        for seed in range(20):
            upscaled(slots[seed % 2], noise(seed))
        assert get("allocations") == before

    def test_a_frame_is_one_launch_and_one_wait(self) -> None:
        (slot,) = engine().slots
        before = {name: get(name) for name in ("launches", "waits", "copies")}
        upscaled(slot, noise(0))
        assert {name: get(name) - count for name, count in before.items()} == {
            "launches": 1,
            "waits": 1,
            "copies": 2,
        }

    def test_without_a_graph_there_are_no_launches(self) -> None:
        (slot,) = engine(TensorRT(cuda_graph=False)).slots
        before = get("launches")
        upscaled(slot, noise(0))
        assert get("launches") == before

    @pytest.mark.parametrize("fault", ["fail_capture", "capturable"])
    def test_what_cannot_be_recorded_runs_without_a_graph(
        self, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        if fault == "capturable":
            faults[fault] = True
        else:
            set_(fault, 1)
        (slot,) = engine().slots
        assert "running without a CUDA graph: " in caplog.text
        assert np.abs(upscaled(slot, noise(1)).astype(int) - reference(noise(1))).max() <= 1

    @pytest.mark.parametrize("cuda_graph", [True, False])
    @pytest.mark.parametrize("operation", [1, 2, 3])
    def test_a_failing_gpu_is_an_error_and_never_a_frame(self, cuda_graph: bool, operation: int) -> None:
        (slot,) = engine(TensorRT(cuda_graph=cuda_graph)).slots
        upscaled(slot, noise(0))
        set_("fail_in", operation)
        target = np.full((2 * HEIGHT, 2 * WIDTH), 7, np.uint8)
        with pytest.raises(BackendError, match=r"GPU 0 \(Double 0\) failed: CUDA: .*ILLEGAL_ADDRESS"):
            slot.upscale(noise(1), target)
        assert (target == 7).all()
        set_("fail_in", 0)
        with pytest.raises(BackendError, match="ILLEGAL_ADDRESS"):
            slot.upscale(noise(2), target)
        assert (target == 7).all()

    def test_an_engine_that_fails_is_an_error(self) -> None:
        (slot,) = engine(TensorRT(cuda_graph=False)).slots
        faults["enqueue"] = "the kernel is gone"
        with pytest.raises(BackendError, match="failed while running: the kernel is gone"):
            upscaled(slot, noise(0))

    def test_close_frees_everything_and_may_be_repeated(self) -> None:
        live = get("live")
        opened = engine(lanes=3)
        opened.close()
        opened.close()
        with pytest.raises(BackendError, match="closed"):
            upscaled(opened.slots[1], noise(0))
        assert get("live") == live + 2  # TensorRT's runtime and engine
        del opened
        gc.collect()
        assert get("live") == live


class TestDevices:
    def test_lanes_go_round_the_devices(self) -> None:
        opened = engine(TensorRT(device=[1, 0], precision="fp32"), lanes=3)
        assert [slot.device.index for slot in opened.slots] == [1, 0, 1]
        assert "Double 1 (1), Double 0 (0), fp32, 3 lanes" in opened.description
        assert lane_count(TensorRT(device=[0, 1]), 8) == 6

    def test_a_device_that_is_not_there(self) -> None:
        with pytest.raises(BackendError, match="there is no GPU 5; present are 0 to 1"):
            engine(TensorRT(device=5))

    def test_too_little_memory_is_said_before_anything_is_allocated(self) -> None:
        set_("free", 10_000)
        before = get("allocations")
        with pytest.raises(BackendError, match="Double 0 has 0 MB of memory free, but 2 lanes need 1 MB"):
            engine(TensorRT(lanes=2), lanes=2)
        assert get("allocations") == before
        set_("free", 5_000)
        with pytest.raises(BackendError, match="memory free, but 1 lane needs 1 MB; precision="):
            engine(lanes=2)

    def test_an_old_driver(self) -> None:
        set_("driver", 12040)
        with pytest.raises(
            BackendError, match=r"driver is too old: it supports CUDA 12\.4, needed is 13\.0 or newer"
        ):
            engine()

    def test_a_driver_without_a_gpu(self) -> None:
        set_("devices", 0)
        with pytest.raises(BackendError, match=r"the NVIDIA driver finds no GPU"):
            engine()

    @pytest.mark.parametrize("flavour", ["auto", "tensorrt_rtx"])
    def test_hopper(self, flavour: str) -> None:
        set_("major", 9)
        set_("minor", 0)
        with pytest.raises(
            BackendError,
            match=r"tensorrt_rtx .* does not support GPUs of compute capability 9\.0, only 7\.5, .*12\.0;",
        ):
            engine(TensorRT(flavour=flavour))  # type: ignore[arg-type]
