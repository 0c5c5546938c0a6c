"""Run the guides' recipes on real clips, compare by ffprobe, and renew docs/measurements/recipes.md.

uv run --group dev python scripts/dev/recipes.py FOLDER_OF_CLIPS [SECONDS]

Takes the first SECONDS (default 0.3) of every clip, without re-encoding. Needs ffmpeg and ffprobe.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pages import paste

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measurements" / "recipes.md"
COLOURS = ("color_range", "color_space", "color_transfer", "color_primaries", "chroma_location")

X264 = "-c:v libx264 -preset veryfast"
PIPE = "ffmpeg -v error -i {i} -f yuv4mpegpipe -strict -1 - | vs-espcn pipe | ffmpeg -v error -i - -i {i}"
LIVE = "RETRIES=1 SOUND=1 scripts/live.sh -re -i {i} --"
FLOWER, DOG, BUNNY = "natural_540p_flower.mp4", "natural_720p_dog.mp4", "cartoon_720p_bbb.mp4"
VARIABLE, FAST, INTERLACED = (
    "edge_1080p_10bit_hevc_vfr.mp4",
    "natural_1080p60_mural.mp4",
    "edge_480i_tff_pattern.mkv",
)

RECIPES = {
    "upscale": (f"vs-espcn upscale {{i}} {{o}} -- {X264}", (FLOWER, BUNNY, DOG, FAST, VARIABLE)),
    "upscale, deinterlaced before": (
        "ffmpeg -v error -i {i} -vf bwdif=send_frame -map 0 -c copy -c:v ffv1 {o}.mkv && "
        "vs-espcn upscale {o}.mkv {o}",
        (INTERLACED,),
    ),
    "upscale, a part": ("vs-espcn upscale {i} {o} --start 0.1 --frames 4", (FLOWER,)),
    "upscale, in segments": ("vs-espcn upscale {i} {o} --resume --preset ffv1", (FLOWER, DOG)),
    "upscale, a folder": (
        "mkdir {o}.in && cp {i} {o}.in/1.mp4 && vs-espcn upscale {o}.in --output-dir {o}.out && "
        "mv {o}.out/1.mkv {o}",
        (FLOWER,),
    ),
    "pipe": (f"{PIPE} -map 0:v -map '1:a?' {X264} -c:a copy {{o}}", (FLOWER, VARIABLE)),
    "script through vspipe": (f"scripts/pipe.sh {{i}} {{o}} {X264}", (FLOWER, DOG)),
    "live": (f"{LIVE} {X264} -c:a aac {{o}}", (FLOWER,)),
    "cluster": ("python3 scripts/cluster.py {i} {o} --preset ffv1 --segment-frames 4 --cpus 1", (FLOWER,)),
}
"""Recipes by name: a command for bash, and its clips."""


@dataclass(frozen=True, kw_only=True)
class File:
    """The content of a file.

    Attributes:
        streams: Codec of each stream, and its size if it is video.
        colours: Colour tags of the video.
        times: Presentation time of each frame in seconds, in order.
        sound: Time and checksum of each audio packet.
    """

    streams: tuple[str, ...]
    colours: tuple[str, ...]
    times: tuple[Fraction, ...]
    sound: tuple[tuple[Fraction, str], ...]


def read(path: Path) -> File:
    """Read a file with ffprobe."""
    shown = "stream:packet=stream_index,pts_time,data_hash:frame=media_type,best_effort_timestamp_time"
    options = ("-show_packets", "-show_frames", "-show_data_hash", "CRC32", "-of", "json")
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", shown, *options, path], capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    streams = found["streams"]
    video = next(stream for stream in streams if stream["codec_type"] == "video")
    sound = [stream["index"] for stream in streams if stream["codec_type"] == "audio"]
    both = found["packets_and_frames"]
    frames = (each for each in both if each["type"] == "frame" and each["media_type"] == "video")
    packets = (each for each in both if each["type"] == "packet" and each["stream_index"] in sound)
    return File(
        streams=tuple(_name(stream) for stream in streams),
        colours=tuple(video.get(name, "unknown") for name in COLOURS),
        times=tuple(Fraction(frame["best_effort_timestamp_time"]) for frame in frames),
        sound=tuple((Fraction(packet["pts_time"]), packet["data_hash"]) for packet in packets),
    )


def _name(stream: dict[str, str]) -> str:
    name = stream.get("codec_name", stream["codec_type"])
    return f"{name} {stream['width']}x{stream['height']}" if stream["codec_type"] == "video" else name


def compare(before: File, after: File) -> list[str]:
    """Return cells: frames, largest shift of a frame against the sound, sound, colour tags, streams."""
    frames = f"{len(before.times)} → {len(after.times)}"
    shift = "–"
    if len(after.times) >= len(before.times):
        shift = f"{float(max(_shifts(before, after))) * 1000:.1f}"
    kept = [data for _, data in before.sound] == [data for _, data in after.sound]
    sound = (
        f"{len(before.sound)} → {len(after.sound)}{', the same' if kept else ''}" if before.sound else "none"
    )
    changed = [
        f"{name}: {then} → {now}"
        for name, then, now in zip(COLOURS, before.colours, after.colours, strict=True)
        if then != now
    ]
    streams = f"{', '.join(before.streams)} → {', '.join(after.streams)}"
    return [frames, shift, sound, "; ".join(changed) or "the same", streams]


def cut(clip: Path, beginning: Path, seconds: float) -> None:
    """Copy the beginning of a clip, cut where all frames stored so far are shown before all others."""
    options = ("-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0")
    listed = subprocess.run(
        ["ffprobe", "-v", "error", *options, clip], capture_output=True, check=True, text=True
    )
    times = [float(line.rstrip(",")) for line in listed.stdout.split()]
    count = max(
        n for n in range(1, len(times)) if max(times[:n]) < min(*times[n:], max(times[0], 0) + seconds)
    )
    taken = ("-frames:v", str(count), "-t", str(min(times[count:])), "-c", "copy")
    # Opened twice: ffmpeg stops reading a file at its last frame of video.
    inputs = ("-i", clip, "-i", clip, "-map", "0:v", "-map", "1:a?")
    command = ["ffmpeg", "-v", "error", *inputs, *taken, beginning]
    subprocess.run(command, check=True)


def _shifts(before: File, after: File) -> Iterator[Fraction]:
    """Yield each frame's distance from the nearest frame of the result, with the sounds' starts aligned."""
    then, now = (file.sound[0][0] if file.sound else file.times[0] for file in (before, after))
    for time in before.times:
        yield min(abs((time - then) - (other - now)) for other in after.times)


def rows(clips: Path, seconds: float, work: Path) -> Iterator[list[str]]:
    """Run every recipe on its clips, and yield the rows."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for number, (recipe, (template, names)) in enumerate(RECIPES.items()):
        for name in names:
            source = work / name
            if not source.exists():
                cut(clips / name, source, seconds)
            output = work / f"{number}-{name}.mkv"
            command = template.format(i=source, o=output)
            sys.stderr.write(f"$ {command}\n")
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, check=False
            )
            if done.returncode and recipe != "live":  # it ends only by giving up
                sys.exit(f"{recipe}: exit code {done.returncode}")
            yield [recipe, name, *compare(read(source), read(output))]


def main(clips: Path, seconds: float) -> None:
    """Run all recipes, and renew the page."""
    head = [
        "recipe",
        "clip",
        "frames",
        "largest shift of a frame, ms",
        "packets of sound",
        "colour tags",
        "streams",
    ]
    with tempfile.TemporaryDirectory() as work:
        lines = [head, ["---"] * len(head), *rows(clips, seconds, Path(work))]
    paste(PAGE, {"runs": "\n".join(f"| {' | '.join(line)} |" for line in lines)})


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: recipes.py FOLDER_OF_CLIPS [SECONDS]")
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) == 3 else 0.3)
