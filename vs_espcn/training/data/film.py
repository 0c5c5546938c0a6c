"""Make pairs from real clips: reduce parts of them, code and decode those, and keep some frames.

Clips were already coded once. At half their size the traces of that are gone,
so the ground truth is the clip at half its size.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from vs_espcn.errors import InputError, TrainingError
from vs_espcn.playlists import is_playlist
from vs_espcn.training.data.compression import (
    DegradationProfile,
    Treatment,
    degrade_frames,
    draw_treatment,
    read_kept,
    run_ffmpeg,
    write_kept,
)
from vs_espcn.training.data.degradation import round_to_8_bit, shrink

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".ts"})

Luma = NDArray[np.uint8]

_PARTS = 4  # of each clip; with more, their soft frames would outweigh the sharper images
_FRAMES = 12  # of each part: enough for an encoder's B-frames and their references
_FEWEST = 4
_KEPT = 4  # of each part
_HALF = 2


def find_clips(folders: Iterable[Path]) -> list[Path]:
    """List the video files in folders and their subfolders, sorted within each folder."""
    found: list[Path] = []
    for folder in folders:
        found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    return found


class Film:
    """Source of pairs from clips, with the encoders' results kept in a folder."""

    def __init__(self, source: DegradationProfile, folder: Path) -> None:
        """Set the degradations and the folder.

        Args:
            source: The possible degradations.
            folder: Folder of the results, a few small PNG files per clip and scale.
        """
        self._source = source
        self._folder = folder

    def pairs_of(
        self, paths: Sequence[Path], scale: int, smallest: int
    ) -> dict[Path, list[tuple[Luma, Luma]]]:
        """Make pairs from every usable clip; log each one that is skipped, and the totals.

        Args:
            paths: Video files.
            scale: Integer scale.
            smallest: Smallest usable width and height of the high resolution.

        Returns:
            Pairs (high, low) per file, uint8 (scale·h, scale·w) and (h, w), always the same ones.

        Raises:
            TrainingError: ffmpeg is missing, or an encoder failed.
        """
        made = {}
        for path in paths:
            try:
                made[path] = self._pairs(path, scale, smallest)
            except InputError as error:
                logger.warning("skipped: %s", error)
        if paths:
            logger.info("%d clips read, %d skipped", len(made), len(paths) - len(made))
        return made

    def _pairs(self, path: Path, scale: int, smallest: int) -> list[tuple[Luma, Luma]]:
        _check_clip(path)
        duration = _duration(path)
        pairs = []
        for part in range(_PARTS):
            frames = [
                halved(frame, 2 * scale) for frame in read_frames(path, part / _PARTS * duration, _FRAMES)
            ]
            if len(frames) >= _FEWEST:
                if min(frames[0].shape) < smallest:
                    height, width = frames[0].shape
                    raise InputError(f"{path} is {width}x{height} at half its size; {smallest} are needed")
                pairs += self._kept(frames, scale, part)
        if not pairs:
            raise InputError(f"{path} has fewer than {_FEWEST} frames that can be decoded; leave it out")
        return pairs

    def _kept(self, frames: Sequence[Luma], scale: int, part: int) -> list[tuple[Luma, Luma]]:
        words = f"{self._source.version} film {scale} {part} {frames[0].shape} {len(frames)} "
        key = hashlib.sha256(words.encode() + frames[0].tobytes()).hexdigest()
        random = np.random.default_rng(int(key[:16], 16))
        treatment = draw_treatment(self._source, random)
        numbers = sorted(int(number) for number in random.choice(len(frames), _KEPT, replace=False))
        files = [self._folder / key[:2] / f"{key}_{number}.png" for number in numbers]
        shape = (frames[0].shape[0] // scale, frames[0].shape[1] // scale)
        lows = [read_kept(file, shape) for file in files]
        if any(low is None for low in lows):
            lows = self._coded(frames, scale, treatment, numbers, files)
        return [(frames[number], low) for number, low in zip(numbers, lows, strict=True) if low is not None]

    @staticmethod
    def _coded(
        frames: Sequence[Luma],
        scale: int,
        treatment: Treatment,
        numbers: Sequence[int],
        files: Sequence[Path],
    ) -> list[Luma | None]:
        coded = degrade_frames(frames, scale, treatment)
        for number, file in zip(numbers, files, strict=True):
            write_kept(file, coded[number])
        return [coded[number] for number in numbers]


def halved(luma: Luma, unit: int) -> Luma:
    """Return luma at half its size, cropped so that sides are multiples of ``unit``."""
    height, width = (side // (_HALF * unit) * _HALF * unit for side in luma.shape)
    return round_to_8_bit(shrink(luma[:height, :width].astype(np.float32) / 255, _HALF))


def read_frames(path: Path, start: float, count: int) -> list[Luma]:
    """Read the luma of a clip's frames from a time on.

    Args:
        path: Video file.
        start: Time in seconds.
        count: Number of frames; fewer are returned at the end of the clip.

    Returns:
        uint8 (H, W) each, limited range, sides even.

    Raises:
        InputError: ffmpeg cannot decode the file.
    """
    shaped = "crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_range=tv"
    first = ("-map", "0:V:0")  # phones put stills into other streams
    decode = ("-ss", f"{start:.3f}", "-i", f"file:{path}", *first, "-frames:v", str(count), "-vf", shaped)
    try:
        raw = run_ffmpeg((*decode, "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "pipe:1"), b"")
    except TrainingError as error:
        raise InputError(f"{path} cannot be decoded: {error}") from error
    header, _, frames = raw.partition(b"\n")
    sides = {word[:1]: int(word[1:]) for word in header.split()[1:3]}
    if not frames:
        return []
    width, height = sides[b"W"], sides[b"H"]
    each = len(b"FRAME\n") + width * height * 3 // 2
    planes = np.frombuffer(frames, np.uint8)[: len(frames) // each * each].reshape(-1, each)[
        :, len(b"FRAME\n") :
    ]
    return [plane[: width * height].reshape(height, width) for plane in planes]


def _check_clip(path: Path) -> None:
    """Refuse files on which ffmpeg would wait, or that make it read other files.

    Raises:
        InputError: It is not a regular file, cannot be read, or is a playlist.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; leave it out")
    try:
        listing = is_playlist(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); leave it out") from error
    if listing:
        raise InputError(f"{path} is a playlist: it names other files; give those")


def _duration(path: Path) -> float:
    """Return the duration of a clip in seconds.

    Raises:
        InputError: ffmpeg finds no video in the file.
    """
    try:
        _, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} has no video that can be decoded; leave it out") from error
    return float(seconds)
