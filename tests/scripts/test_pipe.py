"""scripts/upscale.vpy, pipe.sh and pipe.ps1, run as a user runs them."""

import re
import subprocess
from pathlib import Path

import vapoursynth as vs
from typer.main import get_command

from tests.media import H264, decode, ffmpeg, packets, pattern, tone, video, with_sound
from tests.programs import SCRIPTS, Environment, run
from vs_espcn.cli import app


def test_upscale_vpy_through_vspipe(tmp_path: Path, environment: Environment) -> None:
    source = video(tmp_path / "in.mp4", frames=5)
    done = run(
        "vspipe", "-c", "y4m", "--arg", f"source={source}", "--arg", "scale=3", SCRIPTS / "upscale.vpy", "-",
        env=environment,
    )  # fmt: skip
    header, _, frames = done.stdout.partition(b"\n")
    assert b" W192 H144 " in header
    assert len(frames) == 5 * (len(b"FRAME\n") + 192 * 144 * 3 // 2)


def test_errors_of_the_filter_reach_vspipes_user(tmp_path: Path, environment: Environment) -> None:
    source = video(tmp_path / "in.mp4", frames=2)
    done = run(
        "vspipe", "-c", "y4m", "--arg", f"source={source}", "--arg", "scale=17", SCRIPTS / "upscale.vpy", "-",
        env=environment, code=1,
    )  # fmt: skip
    assert done.stdout == b""
    assert b"vs_espcn: scale 17 is out of reach: espcn has networks for 2, 3, 4" in done.stderr


def test_pipe_sh_keeps_the_sound(tmp_path: Path, environment: Environment) -> None:
    source, output = with_sound(tmp_path / "in put.mp4"), tmp_path / "out put.mkv"
    run(SCRIPTS / "pipe.sh", source, output, env=environment)
    upscaled = vs.core.bs.VideoSource(output, cachemode=0)
    assert (upscaled.width, upscaled.height, upscaled.num_frames) == (128, 96, 10)
    assert vs.core.bs.AudioSource(output, cachemode=0).sample_rate == 48000


def test_pipe_sh_keeps_colour_siting_aspect_and_rate(tmp_path: Path, environment: Environment) -> None:
    tags = ("setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc", "setsar=32/27")
    colours = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    source = ("-chroma_sample_location", "topleft", "-color_range", "tv", *colours, "-vf", ",".join(tags))
    video(tmp_path / "in.mkv", *source, frames=3, rate=24)
    # Names are relative to where the user is, not to the script that vspipe runs.
    run(SCRIPTS / "pipe.sh", "in.mkv", "out.mkv", env=environment, cwd=tmp_path)
    upscaled = decode(tmp_path / "out.mkv")
    props = upscaled.get_frame(0).props
    names = ("_Primaries", "_Transfer", "_Matrix", "_ChromaLocation", "_Range", "_SARNum", "_SARDen")
    assert [props[name] for name in names] == [9, 16, 9, 2, 0, 32, 27]
    assert upscaled.fps == 24


def test_pipe_sh_keeps_a_picture_that_begins_after_the_sound(
    tmp_path: Path, environment: Environment
) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    late = ("-itsoffset", "0.2", *pattern(5), *tone(0.4), *H264, "-c:a", "flac")
    ffmpeg(*late, source)
    run(SCRIPTS / "pipe.sh", source, output, env=environment)
    assert sorted(time for time, _ in packets(output)[0]) == [time for time, _ in packets(source)[0]]
    assert packets(output)[1] == packets(source)[1]


def test_pipe_sh_fails_when_a_part_fails(tmp_path: Path, environment: Environment) -> None:
    not_video = tmp_path / "text.mp4"
    not_video.write_text("no video")
    done = subprocess.run(
        [SCRIPTS / "pipe.sh", not_video, tmp_path / "out.mkv"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    run(SCRIPTS / "pipe.sh", not_video, env=environment, code=2)


def test_pipe_ps1_names_options_that_exist() -> None:
    """There is no PowerShell here: its command lines are compared with what the programs know."""
    script = (SCRIPTS / "pipe.ps1").read_text()
    flags = get_command(app).commands["flags"]  # type: ignore[attr-defined]
    known = {name for parameter in flags.params for name in parameter.opts}
    calls = re.findall(r"vs-espcn flags ([^)]*)", script)
    assert [call.split()[:2] for call in calls] == [["--for", "ffmpeg"], ["--for", "ffmpeg-output"]]
    assert {"--for", "--arg"} <= known
    # The rest is what pipe.sh does, which is run above.
    bash = (SCRIPTS / "pipe.sh").read_text()
    for words in (
        "-vf showinfo -f null -",
        " -i - -itsoffset ",
        "-map 0:v -map '1:a?'",
        "-c:a copy",
        "vspipe -c y4m",
    ):
        assert words in script
        assert words in bash
