"""The slot alone, with a copy on the GPU as its program; a part of `scripts/dev/gpu_parts.py`."""

import gc
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event

import numpy as np
from gpu_facts import FRAMES, HEIGHT, QUICK, WIDTH, demand, noise, tell, tell_not_run

from vs_espcn.runtime import cuda
from vs_espcn.runtime.cuda_resources import Resources, wait
from vs_espcn.runtime.cuda_slot import CudaSlot, PlaneType
from vs_espcn.runtime.tiling import Tiling, whole


class Copy:
    """A program that copies on the GPU."""

    def __init__(self, nbytes: int, _: Resources, source: int, target: int) -> None:
        self._arguments = (target, source, nbytes)

    def enqueue(self, stream: int) -> None:
        cuda.call(cuda.driver.cuMemcpyDtoDAsync, *self._arguments, stream)

    def can_be_recorded(self, stream: int) -> bool:
        return bool(stream)

    @contextmanager
    def recording(self) -> Iterator[None]:
        yield


def copying_slot(device: cuda.Device, tiling: Tiling, *, cuda_graph: bool = True) -> CudaSlot:
    width, height = tiling.tile
    plane = PlaneType(width=width, height=height, dtype=np.dtype(np.uint8))
    program = partial(Copy, plane.nbytes)
    return CudaSlot(device, plane, plane, tiling, program, cuda_graph=cuda_graph)


def check_copies(slot: CudaSlot, frames: int, seed: int) -> int:
    """Wrong frames of a slot that copies; sources vary, so that a stale frame is one."""
    sources, target = [noise(seed + index) for index in range(5)], np.empty((HEIGHT, WIDTH), np.uint8)
    wrong = 0
    for number in range(frames):
        slot.upscale(sources[number % 5], target)
        wrong += not np.array_equal(target, sources[number % 5])
    return wrong


def part_slot() -> None:
    """The slot alone."""
    device = cuda.open_device(0)
    before = memory_in_use()
    device.make_current()
    tell("device", name=device.name, capability=device.capability, free_mb=device.free_memory() >> 20)
    after = memory_in_use()
    if before is None or after is None:
        tell_not_run("size of an empty context", "nvidia-smi cannot be asked")
    else:
        tell("size of an empty context", mb=after - before)
    size = (WIDTH, HEIGHT)
    strips = Tiling(size=size, tile=(WIDTH, HEIGHT // 4 + 4), radius=4)
    tiles = Tiling(size=size, tile=(WIDTH // 2 + 4, HEIGHT // 2 + 4), radius=4)
    for name, tiling in {"one piece": whole(*size), "strips": strips, "tiles": tiles}.items():
        for cuda_graph in (True, False):
            slots = [copying_slot(device, tiling, cuda_graph=cuda_graph) for _ in range(4)]
            frames = FRAMES // 4 if tiling is not tiles else FRAMES // 40
            start = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                wrong = sum(pool.map(check_copies, slots, [frames] * 4, [0, 10, 20, 30]))
            ms = 1000 * (time.perf_counter() - start) / (4 * frames)
            what = f"{name}, graph {'on' if cuda_graph else 'off'}: 4 threads copy {4 * frames} frames"
            demand(wrong == 0, what, wrong=wrong, ms_per_frame=round(ms, 4))
            times(slots[0], f"{name}, graph {'on' if cuda_graph else 'off'}")
            for slot in slots:
                slot.close()
    collections(device)
    closing(device)


def times(slot: CudaSlot, what: str) -> None:
    """Of one lane: until a frame is launched, and until it is there."""
    launched, waited = [], []
    for _ in range(20 if QUICK else 500):
        start = time.perf_counter()
        slot._launch()
        middle = time.perf_counter()
        wait(slot._event, slot._stream)
        launched.append(middle - start)
        waited.append(time.perf_counter() - middle)
    tell(f"{what}: launch and wait, in ms", launch=1000 * np.median(launched), wait=1000 * np.median(waited))


def collections(device: cuda.Device) -> None:
    """Slots come and go, and are recorded, while another works."""
    slot, done = copying_slot(device, whole(WIDTH, HEIGHT)), Event()

    def come_and_go() -> int:
        made = 0
        while not done.is_set():
            others = [copying_slot(device, whole(WIDTH, HEIGHT)) for _ in range(2)]
            unrecorded = sum(each._graph is None for each in others)
            others.append(others)  # type: ignore[arg-type] - a circle, for the collector
            del others
            gc.collect()
            if unrecorded:
                return -unrecorded
            made += 2
        return made

    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(come_and_go)
        wrong = check_copies(slot, FRAMES // 10, 0)
        done.set()
        made = busy.result()
    demand(
        wrong == 0 and made > 0, "others are made, recorded and collected meanwhile", wrong=wrong, made=made
    )
    slot.close()


def closing(device: cuda.Device) -> None:
    """Slots are closed while they work."""
    outcomes = set()
    for _ in range(3 if QUICK else 20):
        slots = [copying_slot(device, whole(WIDTH, HEIGHT)) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            working = [pool.submit(check_copies, slot, 10**9, 0) for slot in slots]
            Event().wait(0.01)
            for slot in slots:
                slot.close()
            outcomes |= {str(each.exception()) for each in working}
    demand(outcomes == {"the slot is closed"}, "slots are closed while they work", outcomes=sorted(outcomes))


def memory_in_use() -> int | None:
    """Of the first GPU, in MB, by nvidia-smi; None where it cannot be asked."""
    query = ["nvidia-smi", "-i", "0", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None
