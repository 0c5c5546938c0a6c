"""Draw the README's picture: part of a coded frame, upscaled by bicubic and by the filter, and its original.

uv run --group dev python scripts/dev/before_after.py FILM docs/before_after.png

FILM is Big Buck Bunny in 1280x720, (c) Blender Foundation, CC BY 3.0. It is reduced to a third by bicubic and
encoded with x264 at crf 18, and the result is upscaled.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import vapoursynth as vs

import vs_espcn
from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.side_by_side import CropArea, frame_picture, side_by_side

SCALE, CRF = 3, 18


def encoded(clip: vs.VideoNode, path: Path) -> vs.VideoNode:
    """Encode a clip with x264 and open the result."""
    command = [find_ffmpeg().path, "-v", "error", "-f", "yuv4mpegpipe", "-i", "-"]
    encoder = subprocess.Popen([*command, "-c:v", "libx264", "-crf", str(CRF), path], stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    clip.output(encoder.stdin, y4m=True)
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit("ffmpeg failed")
    return vs.core.bs.VideoSource(str(path))


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("picture", type=Path, help="PNG file to write")
    parser.add_argument("--frame", type=int, default=20)
    parser.add_argument(
        "--area", type=int, nargs=4, default=[360, 130, 320, 280], metavar=("X", "Y", "W", "H")
    )
    given = parser.parse_args()
    film = vs.core.bs.VideoSource(str(given.film), cachemode=0)
    width, height = (side // (2 * SCALE) * 2 * SCALE for side in (film.width, film.height))
    film = film.std.CropAbs(width, height)[: given.frame + 12]
    x, y, *size = given.area
    area = CropArea(width=size[0], height=size[1], x=x, y=y)
    with tempfile.TemporaryDirectory() as folder:
        reduced = film.resize.Bicubic(width // SCALE, height // SCALE)
        low = encoded(reduced, Path(folder) / "low.mkv")
        clips = {
            f"bicubic, x{SCALE}": low.resize.Bicubic(width, height),
            f"vs-espcn, x{SCALE}": vs_espcn.upscale(low, SCALE),
            "original": film,
        }
        shown = {name: area.of(frame_picture(clip, given.frame)) for name, clip in clips.items()}
    side_by_side([shown]).save(given.picture, optimize=True)


if __name__ == "__main__":
    main()
