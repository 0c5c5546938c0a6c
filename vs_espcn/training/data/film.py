"""Pairs from real clips: parts of them made smaller, coded, decoded, and some of their frames kept.

Clips went through an encoder before; at half their size its traces are gone,
and that is what a network has to come back to.
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

_PARTS = 4  # of each clip; more, and its soft frames would outweigh the sharper images beside them
_FRAMES = 12  # of each part: enough for an encoder's B-frames and what they refer to
_FEWEST = 4
_KEPT = 4  # of each part
_HALF = 2


def find_clips(folders: Iterable[Path]) -> list[Path]:
    """List the video files of folders and of the folders inside them, sorted within each folder."""
    found: list[Path] = []
    for folder in folders:
        found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    return found


class Film:
    """Makes pairs of clips; what encoders made is kept in a folder."""

    def __init__(self, source: DegradationProfile, folder: Path) -> None:
        """Prepare.

        Args:
            source: What may happen to clips.
            folder: Where results are kept, a few small PNG files per clip and scale.
        """
        self._source = source
        self._folder = folder

    def pairs_of(
        self, paths: Sequence[Path], scale: int, smallest: int
    ) -> dict[Path, list[tuple[Luma, Luma]]]:
        """Make pairs of every usable clip; log a line for each that is skipped, and their number.

        Args:
            paths: Video files.
            scale: Integer scale.
            smallest: Least width and height of the high resolution that is of use.

        Returns:
            Pairs per file: high (H, W) and low resolution, always the same ones.

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
            raise InputError(f"{path} has no {_FEWEST} frames that can be decoded; leave it out")
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
    """Luma at half its size, sides cut to a multiple of ``unit``."""
    height, width = (side // (_HALF * unit) * _HALF * unit for side in luma.shape)
    return round_to_8_bit(shrink(luma[:height, :width].astype(np.float32) / 255, _HALF))


def read_frames(path: Path, start: float, count: int) -> list[Luma]:
    """Luma of a clip's frames from a time on, as many as there are.

    Args:
        path: Video file.
        start: In seconds.
        count: At most how many.

    Returns:
        uint8 (H, W) each, limited range, sides even.

    Raises:
        InputError: ffmpeg cannot decode the file.
    """
    shaped = "crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_range=tv"
    first = ("-map", "0:V:0")  # phones put stills into further streams
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
    """Refuse what ffmpeg would wait for, or what would have it read other files.

    Raises:
        InputError: It is no regular file, cannot be read, or is a playlist.
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
    """In seconds.

    Raises:
        InputError: ffmpeg finds no video in the file.
    """
    try:
        _, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} has no video that can be decoded; leave it out") from error
    return float(seconds)
