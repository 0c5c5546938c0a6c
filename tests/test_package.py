"""What the package is to those who install and import it."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import vapoursynth as vs

import vs_espcn
from tests.media import with_sound

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "tensorrt", "tensorrt_rtx", "openvino", "cuda", "vapoursynth", "numpy", "onnx", "PIL")


def test_every_public_name_is_there() -> None:
    assert vs_espcn.__all__ == sorted(vs_espcn.__all__)
    for name in vs_espcn.__all__:
        assert getattr(vs_espcn, name) is not None
    assert set(vs_espcn.__all__) <= set(dir(vs_espcn))
    with pytest.raises(AttributeError, match="no attribute 'downscale'"):
        vs_espcn.downscale  # noqa: B018


@pytest.mark.parametrize("module", ["vs_espcn", "vs_espcn.cli"])
def test_importing_is_light(module: str) -> None:
    code = (
        f"import json, sys, {module}; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_using_the_filter_loads_no_torch() -> None:
    code = "import sys, vs_espcn; vs_espcn.upscale; vs_espcn.OpenVINO(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_openvino_reports_nothing_to_its_makers(tmp_path: Path) -> None:
    """Its telemetry would be loaded by the import, and keep an identifier in the home folder."""
    code = (
        "import sys; from vs_espcn.runtime import openvino; openvino.devices(); "
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry')]"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_wheel_does_the_main_job_in_an_empty_environment(tmp_path: Path) -> None:
    """Built from the tree, installed, run outside the tree without ffmpeg on PATH."""
    bin_dir = installed_in(tmp_path / "empty", tmp_path)
    environment = {
        "PATH": str(bin_dir),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "VS_ESPCN_CACHE": str(tmp_path / "cache"),
    }

    source = with_sound(tmp_path / "in.mp4")
    run(bin_dir / "vs-espcn", "upscale", source, tmp_path / "out.mp4", env=environment, cwd=tmp_path)
    upscaled = vs.core.bs.VideoSource(tmp_path / "out.mp4", cachemode=0)
    assert (upscaled.width, upscaled.height, upscaled.num_frames) == (128, 96, 10)

    # The same in a script; here no plugin stands in openvino's way.
    script = tmp_path / "script.vpy"
    script.write_text(
        "import sys\n"
        "import vapoursynth as vs\n"
        "import vs_espcn\n"
        "clip = vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length=3)\n"
        "vs_espcn.upscale(clip, 3).set_output()\n"
        "assert 'openvino' in sys.modules\n"
    )
    y4m = run(bin_dir / "vspipe", "-c", "y4m", script, "-", env=environment, cwd=tmp_path)
    header, _, frames = y4m.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2 ")
    assert b" W192 H144 " in header
    assert len(frames) == 3 * (len(b"FRAME\n") + 192 * 144 * 3 // 2)


def installed_in(folder: Path, work: Path) -> Path:
    """Install the wheel in an environment of its own, by the uv that runs the tests, or by pip."""
    bin_dir = folder / ("Scripts" if os.name == "nt" else "bin")
    if uv := os.environ.get("UV"):
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "build", "-q", "--wheel", "--out-dir", work, ROOT], check=True)
        install = (uv, "pip", "install", "-q", "--python", bin_dir / "python")
    else:
        venv.create(folder, with_pip=True)
        pip = (bin_dir / "python", "-m", "pip", "--disable-pip-version-check")
        subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", work, ROOT], check=True)
        install = (*pip, "install", "-q")
    (wheel,) = work.glob("*.whl")
    subprocess.run([*install, wheel], check=True, cwd=work)
    return bin_dir


def run(*command: str | Path, env: dict[str, str], cwd: Path) -> bytes:
    """Run a command that must succeed; return its standard output."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
