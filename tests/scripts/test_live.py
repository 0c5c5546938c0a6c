"""scripts/live.sh, and scripts/mpv.vpy in a stand-in for mpv."""

import runpy
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import noise_clip, samples
from tests.media import decode, packets, with_sound
from tests.programs import SCRIPTS, Environment, run

SEGMENTS = ("-f", "segment", "-segment_format", "matroska", "-strftime", "1", "out-%H%M%S.mkv")


def test_live_sh_starts_again_when_the_source_drops(tmp_path: Path, environment: Environment) -> None:
    with_sound(tmp_path / "in.mp4", frames=10)
    env = environment | {"RETRIES": "2", "WAIT": "1", "SOUND": "1", "PIPE": "--scale 2 --realtime skip"}
    done = run(SCRIPTS / "live.sh", "-re", "-i", "in.mp4", "--", *SEGMENTS, env=env, cwd=tmp_path, code=1)
    assert b"gave up after 2 runs of fewer than 250 frames" in done.stderr
    outputs = sorted(tmp_path.glob("out-*.mkv"))
    assert len(outputs) == 2
    for output in outputs:
        streams = packets(output)
        assert sorted(streams) == [0, 1]
        assert len(streams[0]) == 10
        assert decode(output).width == 128


def test_live_sh_finishes_the_file_when_told_to_stop(tmp_path: Path, environment: Environment) -> None:
    source = ("-re", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25")
    command = [SCRIPTS / "live.sh", *source, "--", "-c:v", "ffv1", "-flush_packets", "1", "out.mkv"]
    output = tmp_path / "out.mkv"
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as live:
        deadline = time.monotonic() + 60
        while not (output.exists() and output.stat().st_size > 50_000) and time.monotonic() < deadline:
            time.sleep(0.1)
        live.send_signal(signal.SIGTERM)
        assert live.wait(timeout=60) == 143
    assert decode(output).num_frames == len(packets(output)[0]) > 1


@pytest.mark.parametrize("arguments", [(), ("-i", "in.mp4"), ("-i", "in.mp4", "--"), ("--", "out.mkv")])
def test_live_sh_says_how_it_is_used(arguments: tuple[str, ...], environment: Environment) -> None:
    done = run(SCRIPTS / "live.sh", *arguments, env=environment, code=2)
    assert b"usage:" in done.stderr


@pytest.fixture
def _no_outputs() -> Iterator[None]:
    yield
    vs.clear_outputs()


def play(shown: vs.VideoNode, display: tuple[int, int] = (1920, 1080)) -> vs.VideoNode:
    """Run mpv.vpy as mpv does: the clip is nearly endless, and black as long as the script runs."""
    running = True

    def frame(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # noqa: ARG001
        return f[0] if running else f[1]

    endless = {"length": (2**31 - 1) // 16, "fpsnum": 0, "fpsden": 1}
    clips = [vs.core.std.BlankClip(shown, **endless), shown.std.Loop(0)]
    video_in = vs.core.std.ModifyFrame(clips[0], clips, frame)
    runpy.run_path(str(SCRIPTS / "mpv.vpy"), {"video_in": video_in, "display_res": list(display)})
    running = False
    return vs.get_output(0).clip


@pytest.mark.usefixtures("_no_outputs")
def test_mpv_vpy_upscales_every_frame_that_mpv_gives_it() -> None:
    shown = noise_clip(vs.YUV420P10, 64, 48, 2, _FieldBased=0)
    output = play(shown)
    assert (output.width, output.height, output.num_frames) == (128, 96, (2**31 - 1) // 16)
    expected = vs_espcn.upscale(shown, 2)
    for number in (0, 1):
        assert np.array_equal(samples(output, 0, number), samples(expected, 0, number))


@pytest.mark.usefixtures("_no_outputs")
def test_mpv_vpy_plays_what_is_marked_as_interlaced() -> None:
    assert play(noise_clip(vs.YUV420P8, 64, 48, 1, _FieldBased=2)).get_frame(0).width == 128


@pytest.mark.usefixtures("_no_outputs")
@pytest.mark.parametrize(("size", "display"), [((1280, 720), (1920, 1080)), ((64, 48), (64, 48))])
def test_mpv_vpy_leaves_alone_what_is_large_enough(size: tuple[int, int], display: tuple[int, int]) -> None:
    assert play(noise_clip(vs.YUV420P8, *size), display).width == size[0]


@pytest.mark.usefixtures("_no_outputs")
def test_mpv_vpy_upscales_where_the_display_is_not_known() -> None:
    assert play(noise_clip(vs.YUV420P8, 64, 48), (0, 0)).width == 128
