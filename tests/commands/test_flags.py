"""``vs-espcn flags`` and `vs_espcn.ffmpeg_args`: what the other programs make of them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import vapoursynth as vs

import vs_espcn
from tests.media import FFMPEG
from tests.programs import with_our_programs
from vs_espcn.encoding.colour_args import (
    MATRICES,
    PRIMARIES,
    TRANSFERS,
    ffmpeg_args,
    x264_args,
    x265_args,
)

HDR = {"_Matrix": 9, "_Transfer": 16, "_Primaries": 9, "_ChromaLocation": 2, "_Range": 0}


def clip_with(**props: int) -> vs.VideoNode:
    clip = vs.core.std.BlankClip(
        width=64, height=48, format=vs.YUV420P10, length=2, fpsnum=24000, fpsden=1001
    )
    clip = vs.core.std.RemoveFrameProps(clip)
    return vs.core.std.SetFrameProps(clip, **props) if props else clip


SCRIPT = """
import vapoursynth as vs
print("noise")
clip = vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P10, length=2, fpsnum=24000, fpsden=1001)
clip = clip.std.SetFrameProps(_SARNum=int(sar), _SARDen=27, _Matrix=9, _Transfer=16, _Primaries=9)
clip.std.SetFrameProps(_ChromaLocation=2, _Range=0).set_output()
"""


def flags(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
    command = [sys.executable, "-m", "vs_espcn", "flags", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.vpy"
    path.write_text(SCRIPT)
    return path


def test_names_in_a_script_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "size.txt").write_text("64")
    script = tmp_path / "script.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        "width = int(open('size.txt').read())\n"
        "vs.core.std.BlankClip(width=width, height=48, format=vs.YUV420P8).set_output()\n"
    )
    assert "-r 24" in flags("--for", "ffmpeg", script)[0]


def test_options_for_each_program(script: Path) -> None:
    out, err = flags(script, "--arg", "sar=32")
    assert out.splitlines() == [
        "ffmpeg: -colorspace bt2020nc -color_trc smpte2084 -color_primaries bt2020 "
        "-chroma_sample_location topleft -color_range tv -r 24000/1001",
        "ffmpeg-output: -aspect 128:81",
        "x264: --colormatrix bt2020nc --transfer smpte2084 --colorprim bt2020 --chromaloc 2 --sar 32:27 "
        "--fps 24000/1001 --input-range tv --range tv",
        "x265: --colormatrix bt2020nc --transfer smpte2084 --colorprim bt2020 --chromaloc 2 --sar 32:27 "
        "--fps 24000/1001 --range limited",
    ]
    assert "noise" in err


def test_one_program_alone(script: Path) -> None:
    assert flags(script, "--arg", "sar=32", "--for", "ffmpeg-output")[0] == "-aspect 128:81\n"


def test_scripts_that_cannot_be_used(script: Path, tmp_path: Path) -> None:
    assert "failed: NameError: name 'sar'" in flags(script, code=1)[1]
    assert "has no video output 1" in flags(script, "--arg", "sar=32", "--output", "1", code=1)[1]
    assert "No such file" in flags(tmp_path / "none.vpy", code=1)[1]
    assert "--arg 'x' is not understood" in flags(script, "--arg", "x", code=1)[1]
    leaves = tmp_path / "leaves.vpy"
    leaves.write_text("import sys\nsys.exit(3)\n")
    assert "failed: SystemExit: 3" in flags(leaves, code=1)[1]


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert ffmpeg_args(clip_with()) == ["-r", "24000/1001"]
    assert ffmpeg_args(clip_with(_Matrix=2, _SARNum=0, _SARDen=1), "output") == []
    assert x264_args(clip_with(_Primaries=22)) == x265_args(clip_with()) == ["--fps", "24000/1001"]


def test_full_range() -> None:
    assert x264_args(clip_with(_Range=1))[-4:] == ["--input-range", "pc", "--range", "pc"]
    assert x265_args(clip_with(_Range=1))[-2:] == ["--range", "full"]
    assert ffmpeg_args(clip_with(_Range=1))[:2] == ["-color_range", "pc"]


def test_what_no_pipe_can_carry_is_refused() -> None:
    with pytest.raises(vs.Error, match="vs_espcn: the clip has no constant frame rate"):
        vs_espcn.ffmpeg_args(vs.core.std.BlankClip(fpsnum=0, fpsden=1))
    with pytest.raises(vs.Error, match="vs_espcn: the clip's format or size varies"):
        vs_espcn.ffmpeg_args(vs.core.std.BlankClip(varsize=True))
    with pytest.raises(vs.Error, match="vs_espcn: side is 'both'"):
        vs_espcn.ffmpeg_args(clip_with(), "both")  # type: ignore[arg-type]


def test_a_piped_file_has_the_tags(script: Path, tmp_path: Path) -> None:
    ffprobe = shutil.which("ffprobe")
    if not ffprobe:
        pytest.skip("ffprobe is not installed")
    clip = clip_with(**HDR, _SARNum=32, _SARDen=27)
    vspipe = Path(sys.executable).with_name("vspipe")
    piped = [vspipe, "-c", "y4m", "--arg", "sar=32", script, "-"]
    y4m = subprocess.run(piped, env=with_our_programs(), capture_output=True, check=True).stdout
    y4m = y4m[y4m.index(b"YUV4MPEG2") :]  # the script prints
    output = tmp_path / "out.mkv"
    command = [FFMPEG, "-v", "error", *ffmpeg_args(clip), "-i", "-", *ffmpeg_args(clip, "output")]
    subprocess.run([*command, "-c:v", "libx264", output], input=y4m, check=True)
    probed = subprocess.run(
        [ffprobe, "-v", "error", "-show_streams", "-of", "json", output], capture_output=True, check=True
    ).stdout
    (stream,) = json.loads(probed)["streams"]
    expected = {
        "color_space": "bt2020nc",
        "color_transfer": "smpte2084",
        "color_primaries": "bt2020",
        "color_range": "tv",
        "chroma_location": "topleft",
        "sample_aspect_ratio": "32:27",
        "avg_frame_rate": "24000/1001",
    }
    assert {name: stream[name] for name in expected} == expected


@pytest.mark.parametrize("encoder", ["x264", "x265"])
def test_the_encoders_know_every_name(encoder: str) -> None:
    """Through the libraries inside ffmpeg, whose parameters have the programs' names."""
    make = {"x264": x264_args, "x265": x265_args}[encoder]
    for prop, values in (("_Matrix", MATRICES), ("_Transfer", TRANSFERS), ("_Primaries", PRIMARIES)):
        for value in values:
            words = make(clip_with(**{prop: value, "_Range": 0}))
            pairs = dict(zip(words[::2], words[1::2], strict=True))
            for option in ("--fps", "--range", "--input-range"):
                pairs.pop(option, None)
            params = ":".join(f"{option[2:]}={name}" for option, name in pairs.items())
            source = ("-f", "lavfi", "-i", "color=s=64x64:d=0.04", "-pix_fmt", "yuv420p")
            command = [
                FFMPEG,
                "-v",
                "warning",
                *source,
                "-c:v",
                f"lib{encoder}",
                f"-{encoder}-params",
                params,
            ]
            done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert not any(word in done.stderr for word in ("Error parsing", "Unknown option", "Invalid")), (
                params,
                done.stderr,
            )
