"""The ready-made shaders in mpv itself, on a display that nobody sees."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image

import vs_espcn
from tests.media import ffmpeg
from vs_espcn.networks.registry import engines_dir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("mpv") and shutil.which("xvfb-run")), reason="mpv or xvfb-run is not installed"
    ),
]

WIDTH, HEIGHT = 160, 90

SCREENSHOT = """
mp.register_event("playback-restart", function()
  mp.add_timeout(1, function()
    mp.commandv("screenshot-to-file", os.getenv("SCREENSHOT"), "window")
    mp.add_timeout(1, function() mp.command("quit") end)
  end)
end)
"""


@pytest.fixture(scope="module", params=["yuv420p", "yuv420p10le"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey, with edges and noise, and not a code of it lost."""
    path = tmp_path_factory.mktemp("clip") / "grey.mkv"
    grey = "hue=s=0,noise=c0s=12:c0f=t,scale=out_color_matrix=bt709:out_range=tv,"
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r=2:d=4"),
        *("-vf", f"{grey}format={request.param},hue=s=0", "-c:v", "libx264", "-qp", "0"),
        *("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        path,
    )
    return path


def shown(clip: Path, folder: Path, vo: str, shaders: list[str], scale: int) -> np.ndarray:
    """What mpv's window shows of the first frame: RGB (height, width, 3)."""
    script, screenshot = folder / "screenshot.lua", folder / "shown.png"
    script.write_text(SCREENSHOT)
    done = subprocess.run(
        [
            *("xvfb-run", "-a", "-s", "-screen 0 800x600x24", "mpv", "--no-config", "--no-audio"),
            *(f"--vo={vo}", "--gpu-sw=yes", f"--geometry={WIDTH * scale}x{HEIGHT * scale}", "--no-border"),
            *("--no-keepaspect-window", "--pause", "--no-osc", "--osd-level=0", "--dither=no"),
            *(f"--script={script}", *(f"--glsl-shader={engines_dir() / 'mpv' / name}" for name in shaders)),
            str(clip),
        ],
        env=os.environ | {"SCREENSHOT": str(screenshot), "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    text = done.stdout + done.stderr
    if "Failed initializing any suitable GPU context" in text:
        pytest.skip("mpv finds no OpenGL or Vulkan here")
    assert screenshot.is_file(), text
    return np.asarray(Image.open(screenshot).convert("RGB"))


def filtered(clip: Path, network: str, scale: int) -> np.ndarray:
    """The filter's frame as a display shows grey: codes of full range."""
    source = vs.core.bs.VideoSource(str(clip), cachemode=0)
    upscaled = vs_espcn.upscale(
        source,
        scale,
        network=network,
        backend=vs_espcn.OpenVINO(precision="fp32"),  # type: ignore[arg-type]
    )
    peak = 1 << (upscaled.format.bits_per_sample - 8)
    luma = np.asarray(upscaled.get_frame(0)[0]).astype(float) / peak
    return np.clip((luma - 16) * 255 / 219, 0, 255)[..., None]


@pytest.mark.parametrize("vo", ["gpu", "gpu-next"])
@pytest.mark.parametrize("file", ["subpixel-xs_x2.glsl", "subpixel-xs_x2-fragment.glsl"])
def test_a_screenshot_is_the_filters_frame(clip: Path, tmp_path: Path, vo: str, file: str) -> None:
    picture = shown(clip, tmp_path, vo, [file], 2)
    assert np.abs(picture - filtered(clip, "subpixel-xs", 2)).max() <= 1.5


def test_of_a_list_the_scale_runs_that_the_window_needs(clip: Path, tmp_path: Path) -> None:
    files = [f"subpixel-s_x{scale}.glsl" for scale in (4, 3, 2)]
    picture = shown(clip, tmp_path, "gpu", files, 3)
    assert np.abs(picture - filtered(clip, "subpixel-s", 3)).max() <= 1.5
