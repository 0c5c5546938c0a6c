import subprocess
import sys
from pathlib import Path

import pytest

# The filter's own memory, without the engine's: a large engine would hide a slow leak.
SCRIPT = """
import resource
import vapoursynth as vs
import vs_espcn
clip = vs.core.std.BlankClip(width=240, height=136, format=vs.YUV420P8, length=1500, keep=True)
peaks = {}
for n, _ in enumerate(vs_espcn.upscale(clip, 4).frames(close=True)):
    if n in (200, 1499):
        peaks[n] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peaks[1499] - peaks[200])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heap is tuned on Linux only")
def test_memory_is_flat() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    growth_mb = float(done.stdout)
    assert growth_mb < 25, "without the tuning it is over 100 MB"
