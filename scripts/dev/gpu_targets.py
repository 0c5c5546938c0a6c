"""Compare a GPU's figures with the project's targets.

    python scripts/dev/gpu_targets.py tensorrt BENCH

BENCH is what ``vs-espcn bench --backend tensorrt --json BENCH`` (or torch) wrote. The start
and the memory are measured here. Ends with 1 if a target is missed.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from vs_espcn.bench.gpu import FILTER, PEER, PEER_FLOATS
from vs_espcn.bench.gpu_slot import BOUND, COPIES, SIZES, GpuCase
from vs_espcn.runtime.backends import BACKENDS

PAPER_SECONDS = {3: 0.038, 4: 0.029}
"""Per 1080p frame on the paper's GPU, by scale."""

SCRIPT = """
import sys, time
begin = time.perf_counter()
import vapoursynth as vs, vs_espcn
from vs_espcn.runtime import cuda
name, width, height, frames = sys.argv[1], *map(int, sys.argv[2:])
backend = {"tensorrt": vs_espcn.TensorRT, "torch": vs_espcn.Torch}[name](lanes=2)
clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=width, height=height, length=frames, keep=True)
device = cuda.open_device(0)
before = device.free_memory()  # the context is there
clip = vs_espcn.upscale(clip, 2, network="espcn", backend=backend)
clip.get_frame(0)
seconds = time.perf_counter() - begin
for frame in clip.frames(close=True):
    pass
print(seconds, (before - device.free_memory()) / (1 << 20))
"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target and what was measured; `met` is None where it could not be."""

    target: str
    measured: str
    met: bool | None


def at_least(target: str, value: float | None, least: float, missing: str) -> Verdict:
    """A ratio that should not be below a number."""
    if value is None:
        return Verdict(target=target, measured=missing, met=None)
    return Verdict(target=target, measured=f"{value:.2f}×", met=value >= least)


def below(target: str, value: float, limit: float, unit: str) -> Verdict:
    """A figure that should be below a number."""
    return Verdict(target=target, measured=f"{value:.3g} {unit}", met=value < limit)


def best_ms(rows: list[dict[str, object]], name: str, scale: int, *, to_2160p: bool = False) -> float | None:
    """Least milliseconds per frame of a contestant at 8 bits with graphs, over the numbers of lanes."""
    sizes = [size for size in SIZES if size[0] == scale]
    _, width, height = sizes[-1 if to_2160p else 0]
    labels = {GpuCase(scale=scale, width=width, height=height, lanes=lanes).label for lanes in (1, 2, 3, 4)}
    times = [float(str(row["ms"])) for row in rows if row["name"] == name and row["case"] in labels]
    return min(times, default=None)


def ratio(over: float | None, under: float | None) -> float | None:
    """The quotient, if both are known."""
    return None if over is None or not under else over / under


def speed_verdicts(rows: list[dict[str, object]]) -> list[Verdict]:
    """What the bench's rows say."""
    ours, peer = best_ms(rows, FILTER, 2), "vs-mlrt's plugin was not compared"
    verdicts = [
        at_least("x2 to 1080p, at least 1.5× vs-mlrt with float samples",
                 ratio(best_ms(rows, PEER_FLOATS, 2), ours), 1.5, peer),
        at_least("x2 to 1080p, not slower than vs-mlrt on the same plan",
                 ratio(best_ms(rows, PEER, 2), ours), 1, peer),
    ]  # fmt: skip
    for scale, to_2160p in ((2, False), (3, False), (4, False), (2, True)):
        case = f"x{scale} to {'2160p' if to_2160p else '1080p'}"
        filtered = best_ms(rows, FILTER, scale, to_2160p=to_2160p)
        bounds = [best_ms(rows, name, scale, to_2160p=to_2160p) for name in (COPIES, BOUND)]
        tighter = None if None in bounds else max(float(bound or 0) for bound in bounds)
        of_bound = ratio(tighter, filtered)
        target = f"{case}, at least 0.7 of the tighter bound, copies or operations"
        verdicts.append(at_least(target, of_bound, 0.7, "not measured"))
    for scale, seconds in PAPER_SECONDS.items():
        gained = ratio(1000 * seconds, best_ms(rows, FILTER, scale))
        verdicts.append(
            at_least(f"x{scale} to 1080p, 20× the paper's {seconds} s", gained, 20, "not measured")
        )
    return verdicts


def figures(backend: str, width: int, height: int, frames: int) -> tuple[float, float]:
    """Of a new process, its plan in the cache.

    Returns:
        Seconds from the first import to the first frame, and what the clip takes of the GPU beside
        the CUDA context, in MB.
    """
    command = [sys.executable, "-c", SCRIPT, backend, *map(str, (width, height, frames))]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def table(verdicts: list[Verdict]) -> str:
    """Markdown."""
    words = {True: "met", False: "MISSED", None: "–"}
    rows = [f"| {each.target} | {each.measured} | {words[each.met]} |" for each in verdicts]
    return "\n".join(["| target | measured | |", "| --- | --- | --- |", *rows])


def main(backend: str, bench: Path) -> int:
    """Print the table of all verdicts."""
    if backend not in BACKENDS or backend == "openvino":
        raise SystemExit(f"backend is {backend!r}; give tensorrt or torch")
    verdicts = speed_verdicts(json.loads(bench.read_text())["results"])
    if backend == "tensorrt":
        starts = median([figures(backend, 960, 540, 4)[0] for _ in range(6)][1:])
        verdicts.append(below("start from a cached plan below 1 s", starts, 1, "s"))
    _, memory = figures(backend, 1920, 1080, 30)
    verdicts.append(below("1080p to 2160p with 2 lanes below 600 MB beside the context", memory, 600, "MB"))
    print(table(verdicts))
    return int(any(each.met is False for each in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
