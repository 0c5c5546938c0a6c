import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import resource
import sys
if sys.argv[1] == "openvino":
    import openvino
import vapoursynth as vs
import vs_espcn
clip = vs.core.std.BlankClip(width=160, height=96, format=vs.YUV420P8, length=1500, keep=True)
peaks = {}
for n, _ in enumerate(vs_espcn.upscale(clip, 4).frames(close=True)):
    if n in (200, 1499):
        peaks[n] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peaks[1499] - peaks[200])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heap is tuned on Linux only")
@pytest.mark.parametrize("runtime", ["openvino", "plugin"])
def test_memory_is_flat(runtime: str) -> None:
    """1,300 frames add nothing; without the tuning they add over 100 MB."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, runtime],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    growth_mb = float(done.stdout)
    assert growth_mb < 15
