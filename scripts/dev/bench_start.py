"""Measure how long a new process waits for its first frame of 1920×1080 output.

python3 scripts/dev/bench_start.py docs/performance.json

Runs the default network at each scale in the file, and writes ``starts`` into the file.
"""

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

import bench_figures

IMPORT = """
import time
start = time.perf_counter()
import vs_espcn
print(time.perf_counter() - start)
"""

FIRST_FRAME = """
import time
start = time.perf_counter()
import vapoursynth as vs, vs_espcn, vs_espcn.runtime.openvino
clip = vs.core.std.BlankClip(width={width}, height={height}, format=vs.YUV420P8, length=1)
vs_espcn.upscale(clip, {scale}).get_frame(0)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Seconds (medians of the rounds) to import the package, and from a bare Python to the first frame."""

    scale: int
    import_seconds: float
    first_frame_seconds: float


def measure_start(scale: int, *, repeats: int) -> Start:
    """Measure 1920×1080 output at a scale.

    Args:
        scale: Integer scale.
        repeats: Number of processes of each kind.
    """
    first_frame = FIRST_FRAME.format(scale=scale, width=1920 // scale, height=1080 // scale)
    return Start(
        scale=scale,
        import_seconds=median(seconds(IMPORT) for _ in range(repeats)),
        first_frame_seconds=median(seconds(first_frame) for _ in range(repeats)),
    )


def seconds(script: str) -> float:
    """Run a script in a new process, and return the number that it prints."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"a fresh process failed: {done.stderr.strip()}")
    return float(done.stdout)


def main() -> None:
    """Add the rows to the file."""
    parser = bench_figures.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="processes of each kind")
    given = parser.parse_args()
    scales = [each.scale for each in bench_figures.fastest(bench_figures.read(given.figures))]
    rows = [measure_start(scale, repeats=given.repeats) for scale in scales]
    bench_figures.add(given.figures, "starts", rows)


if __name__ == "__main__":
    main()
