"""The visit to a GPU: its parts run on the double, and tell what they found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


SCRIPT = """
import sys
from tests.runtime.double import driver, plugin
sys.path.insert(0, "scripts/dev")
import gpu_parts
driver.set_("driver", int(sys.argv[2]))
if sys.argv[1] in ("torch", "bench"):
    from tests.runtime.double import fake_torch
    fake_torch.install(setattr)
sys.exit(gpu_parts.main(sys.argv[1], 300))
"""


@pytest.mark.parametrize(
    ("part", "cuda"),
    [
        ("slot", 13000),
        ("ownership", 13000),
        ("torch", 13000),
        ("tensorrt", 13000),
        ("bench", 13000),
        # PyTorch may be built for an older CUDA than TensorRT is.
        ("ownership", 12080),
        ("torch", 12080),
    ],
)
def test_a_part(part: str, cuda: int) -> None:
    """With stand-ins for TensorRT and for what PyTorch has of a GPU."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    command = [sys.executable, "-c", SCRIPT, part, str(cuda)]
    environment = os.environ | {"GPU_CHECK_QUICK": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "double:" not in done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(fact.get("ok", True) for fact in facts)
    assert len(facts) > 3
    skipped = {fact["what"] for fact in facts if "not_run" in fact}
    assert skipped <= {"size of an empty context", "tensorrt"}  # the other flavour is the stand-in
