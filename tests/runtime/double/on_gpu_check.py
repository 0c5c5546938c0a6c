"""The visit to a GPU: its parts run on the double, and tell what they found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("part", ["slot", "ownership", "tensorrt", "bench"])
def test_a_part(part: str) -> None:
    script = (
        "import sys, tests.runtime.double.plugin\n"
        "sys.path.insert(0, 'scripts/dev')\n"
        "import gpu_parts\n"
        "sys.exit(gpu_parts.main(sys.argv[1], 200))\n"
    )
    command = [sys.executable, "-c", script, part]
    environment = os.environ | {"GPU_CHECK_QUICK": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "double:" not in done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(fact.get("ok", True) for fact in facts)
    assert len(facts) > 3
