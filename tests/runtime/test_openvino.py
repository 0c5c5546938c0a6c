"""What OpenVINO's engine leaves of its process."""

import subprocess
import sys

import pytest

SCRIPT = """
import openvino
import gc, signal
import vapoursynth as vs
import vs_espcn

clip = vs.core.std.BlankClip(width=64, height=48, format=vs.GRAY8, length=1)
first = vs_espcn.upscale(clip, 2)
first.get_frame(0)
second = vs_espcn.upscale(clip, 3)
second.get_frame(0)
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGINT, lambda *_: print("heard"))
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals have no stack of their own there")
def test_signals_are_heard_after_engines_were_closed() -> None:
    """In the order in which they were opened, as where a script is run again."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
