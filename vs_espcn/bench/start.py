"""How long a script waits for its first frame, in processes of its own."""

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from vs_espcn.errors import BackendError

_IMPORT = """
import time
start = time.perf_counter()
import vs_espcn
print(time.perf_counter() - start)
"""

_FIRST_FRAME = """
import time
start = time.perf_counter()
import vapoursynth as vs, vs_espcn, vs_espcn.runtime.openvino
clip = vs.core.std.BlankClip(width={width}, height={height}, format=vs.YUV420P8, length=1)
vs_espcn.upscale(clip, {scale}, network={network!r}).get_frame(0)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Seconds, medians of the rounds: to import the package, and from a bare Python to the first frame."""

    scale: int
    import_seconds: float
    first_frame_seconds: float


def measure_start(network: str, scale: int, *, repeats: int) -> Start:
    """Measure 1080p output at a scale.

    Args:
        network: Name of a shipped network.
        scale: Its scale.
        repeats: Processes of each kind.

    Raises:
        BackendError: A process failed.
    """
    size = {"width": 1920 // scale, "height": 1080 // scale}
    first_frame = _FIRST_FRAME.format(network=network, scale=scale, **size)
    return Start(
        scale=scale,
        import_seconds=median(_run(_IMPORT) for _ in range(repeats)),
        first_frame_seconds=median(_run(first_frame) for _ in range(repeats)),
    )


def _run(script: str) -> float:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendError(f"a fresh process failed: {done.stderr.strip()}")
    return float(done.stdout)
