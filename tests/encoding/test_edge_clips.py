"""Real clips with an edge, through the command and through vspipe."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.command import in_this_process
from tests.media import decode, ffmpeg, packets, shared_video
from vs_espcn.encoding.source import open_source

COLOUR = ("_Matrix", "_Transfer", "_Primaries", "_Range")


def beginning(name: str, path: Path, seconds: float) -> Path:
    """The first frames of a real clip, as they are."""
    ffmpeg("-i", shared_video(name), "-t", seconds, "-c", "copy", path)
    return path


@pytest.mark.parametrize(
    ("name", "depth"), [("edge_1080p_10bit_hevc_vfr.mp4", 10), ("natural_1080p60_mural.mp4", 8)]
)
def test_depth_colour_and_times_are_kept(tmp_path: Path, name: str, depth: int) -> None:
    source = beginning(name, tmp_path / f"in{Path(name).suffix}", 0.1)
    output = tmp_path / "out.mkv"
    fast = ("--backend", "openvino", "--network", "subpixel-xs", "--", "-preset", "ultrafast")
    in_this_process("upscale", source, output, "--height", "2000", *fast)

    before, after = open_source(source), decode(output, upright=True)
    assert after.format.bits_per_sample == depth
    assert after.num_frames == before.clip.num_frames
    assert after.height == 2000
    props, kept = before.clip.get_frame(0).props, after.get_frame(0).props
    # A range that is not said is limited; ffmpeg from 9 on says so.
    unsaid = {"_Range": vs.RANGE_LIMITED}
    for prop in COLOUR:
        assert {**unsaid, **kept}.get(prop) == {**unsaid, **props}.get(prop), prop
    times = [time for time, _ in packets(output)[0]]
    steps = [later - earlier for earlier, later in pairwise(sorted(times))]
    expected = before.times or [number / before.clip.fps for number in range(before.clip.num_frames)]
    true_steps = [later - earlier for earlier, later in pairwise(expected)]
    assert steps == pytest.approx(true_steps, abs=0.0011)


def test_interlaced_video_is_refused_with_the_fix(tmp_path: Path) -> None:
    source = shared_video("edge_480i_tff_pattern.mkv")
    done = in_this_process("upscale", source, tmp_path / "out.mkv", code=1)
    assert done.stderr.startswith("vs-espcn: error: INPUT ")
    assert "is interlaced; add --deinterlace field" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["edge_1080p_10bit_hevc_vfr.mp4", "natural_1080p60_mural.mp4"])
def test_vspipe_gives_every_frame(tmp_path: Path, name: str) -> None:
    source = beginning(name, tmp_path / f"in{Path(name).suffix}", 0.1)
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    script = tmp_path / "script.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        "import vs_espcn\n"
        f"clip = vs.core.bs.VideoSource({str(source)!r}, cachemode=0)[:1]\n"
        "vs_espcn.upscale(clip, height=2000).set_output()\n"
    )
    done = subprocess.run(
        ["vspipe", "-c", "y4m", script, "-"], env=environment, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    clip = vs.core.bs.VideoSource(str(source), cachemode=0)
    header, _, frames = done.stdout.partition(b"\n")
    assert b" H2000 " in header
    width = int(header.split(b" W")[1].split()[0])
    assert width % 2 == 0
    assert abs(width - 2000 * clip.width / clip.height) <= 1
    sample = clip.format.bytes_per_sample
    assert len(frames) == len(b"FRAME\n") + width * 2000 * 3 // 2 * sample
