"""Media files that tests make with ffmpeg, and what is in a file."""

import os
import re
import subprocess
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest
import vapoursynth as vs

with pytest.MonkeyPatch.context() as _environment:
    _environment.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
    """The ffmpeg that makes the test files, whichever one is tested."""

DATA = Path(os.environ.get("VS_ESPCN_DATA", Path(__file__).parents[2] / "shared" / "data"))

Packet = tuple[Fraction, str]
"""When it is shown, in seconds, and its checksum."""


def shared_video(name: str) -> Path:
    """A real clip; skips the test where the clips are not."""
    path = DATA / "video" / name
    if not path.exists():
        pytest.skip(f"no {path}; VS_ESPCN_DATA names the folder of real clips")
    return path


def ffmpeg(*args: object, stdin: bytes | None = None) -> bytes:
    """Run ffmpeg; return its standard output."""
    command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def pattern(frames: int = 10, size: str = "64x48", rate: int = 25) -> tuple[str, ...]:
    """Input options for a moving test picture."""
    return ("-f", "lavfi", "-i", f"testsrc2=d={frames / rate}:s={size}:r={rate}")


def tone(seconds: float = 0.4) -> tuple[str, ...]:
    """Input options for a tone."""
    return ("-f", "lavfi", "-i", f"sine=d={seconds}:r=48000")


H264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")


def video(path: Path, *options: object, frames: int = 10, size: str = "64x48", rate: int = 25) -> Path:
    """Make a silent H.264 video; `options` are ffmpeg's and come last."""
    ffmpeg(*pattern(frames, size, rate), *H264, *options, path)
    return path


def with_sound(path: Path, *options: object, frames: int = 10, size: str = "64x48") -> Path:
    """Make an H.264 video with a tone in AAC as long as it."""
    inputs = (*pattern(frames, size), *tone(frames / 25))
    ffmpeg(*inputs, *H264, "-c:a", "aac", *options, path)
    return path


def packets(path: Path) -> dict[int, list[Packet]]:
    """Video and audio packets by stream (video is 0), with times on the file's own clock."""
    dump = ffmpeg(
        "-copyts", "-i", path, *("-map", "0:v:0", "-map", "0:a?"), "-c", "copy", "-f", "framecrc", "-"
    )
    units: dict[int, Fraction] = {}
    found: dict[int, list[Packet]] = defaultdict(list)
    for line in dump.decode().splitlines():
        if unit := re.match(r"#tb (\d+): (\d+)/(\d+)", line):
            units[int(unit[1])] = Fraction(int(unit[2]), int(unit[3]))
        elif not line.startswith("#"):
            stream, _, time, _, _, checksum = (part.strip() for part in line.split(",")[:6])
            found[int(stream)].append((int(time) * units[int(stream)], checksum))
    return found


def ffmetadata(path: Path) -> str:
    """Tags and chapters of a file, as ffmpeg writes them down."""
    return ffmpeg("-i", path, "-f", "ffmetadata", "-").decode()


def codecs(path: Path) -> list[str]:
    """Codecs of a file's tracks, in order."""
    found = vs.core.bs.TrackInfo(os.fsencode(path))["codecstr"]
    return [found] if isinstance(found, str) else found


def decode(path: Path, *, upright: bool = False) -> vs.VideoNode:
    """A file's video as a clip."""
    return vs.core.bs.VideoSource(os.fsencode(path), cachemode=0, apply_rotation=upright)


def raw_planes(clip: vs.VideoNode) -> bytes:
    """All samples of a clip, frame by frame and plane by plane."""
    planes = (bytes(memoryview(plane).tobytes()) for frame in clip.frames(close=True) for plane in frame)
    return b"".join(planes)
