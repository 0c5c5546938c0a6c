"""Runs `double/on_*.py` and the suite of every engine in a process whose CUDA driver is the double."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ON_DOUBLE = sorted((HERE / "double").glob("on_*.py"))


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the compiled double."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc) for the double of the CUDA driver")
    if not sys.platform.startswith("linux"):
        pytest.skip("the double of the CUDA driver is for Linux")
    if find_spec("cuda") is None:
        pytest.skip("cuda-bindings is not installed")
    folder = tmp_path_factory.mktemp("double")
    flags = ("-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    source = HERE / "double" / "libcuda.c"  # takes objects.h in
    subprocess.run([compiler, *flags, "-o", folder / "libcuda.so.1", source, "-lpthread", "-ldl"], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tests", "count"),
    [
        ((*ON_DOUBLE,), 80),
        ((HERE / "test_engines.py", "-k", "tensorrt"), 20),
        # The tests that wait for a GPU must not be found broken there.
        ((HERE / "test_gpu.py", "-k", "tensorrt_rtx and not long_run and not in_a_second"), 13),
    ],
    ids=["slots", "engines", "gpu tests"],
)
def test_on_the_double(double: Path, tests: tuple[Path | str, ...], count: int) -> None:
    plugin = ("-p", "tests.runtime.double.plugin")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n0",
            "--tb=short",
            "-m",
            "",
            *plugin,
            "-p",
            "no:cacheprovider",
            *tests,
        ],
        cwd=ROOT,
        env=os.environ | {"LD_LIBRARY_PATH": str(double)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:  # the reasons stand at the end; a comparison of bytes may fill pages before them
        pytest.fail(f"{done.stderr[-2000:]}\n{done.stdout[-6000:]}", pytrace=False)
    assert "skipped" not in done.stdout
    passed = int(done.stdout.split(" passed")[0].split()[-1])
    assert passed >= count, done.stdout
