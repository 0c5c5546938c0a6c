"""Load training images: split off validation images, degrade, and pair them with their low resolution."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vs_espcn.errors import InputError
from vs_espcn.training.data.degradation import Degrade, bicubic, resample, round_to_8_bit
from vs_espcn.training.data.film import Film, find_clips
from vs_espcn.training.data.image_files import find_images, read_images

_HELD_OUT = 24  # one image in this many is held out for validation
_LARGEST_SIDE = 512  # of validation images; larger ones are cropped, as a few would take all the time


@dataclass(frozen=True)
class Pair:
    """One image at both resolutions.

    Attributes:
        low: uint8 (h, w), luma code; networks learn from 8 bits, as video has 8 bits.
        phases: uint8 (scale², h, w), luma code; the high resolution, rearranged by ``to_phases``.
    """

    low: NDArray[np.uint8]
    phases: NDArray[np.uint8]


@dataclass(frozen=True)
class TrainingImages:
    """The images of a run, in memory.

    Attributes:
        count: Number of training files, including clips.
        pairs: Pairs of these files, at each size at which they are used.
        validation: Pairs (high, low), uint8, of held-out images and of the frames of held-out clips.
        digest: Hash of the files' names and sizes, on which the order of patches depends.
    """

    count: int
    pairs: list[Pair]
    validation: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    digest: str


def load_images(
    folders: Sequence[Path],
    scale: int,
    *,
    patch: int,
    shares: Sequence[float],
    degrades: Sequence[Degrade] = (bicubic,),
    validate_by: Sequence[Degrade] = (bicubic,),
    film: Film | None = None,
) -> TrainingImages:
    """Read, split and degrade the images and clips of a run.

    Args:
        folders: Folders of images and clips.
        scale: Integer scale.
        patch: Side of the patches at low resolution; smaller images are skipped.
        shares: Relative sizes at which each training image is used, 1 for its own.
        degrades: Degradations of the training images; each image goes through all of them.
        validate_by: Degradations of the held-out images.
        film: Source of pairs from the clips in the folders; None to ignore clips.

    Raises:
        InputError: A folder is missing, or fewer than two images are usable.
        TrainingError: ffmpeg is missing or failed.
    """
    smallest = patch * scale
    images = read_images(find_images(folders), smallest)
    training, validation = hold_out(images)
    copies = (reduced(images[path], share) for path in training for share in shares)
    named = "".join(f"{path.parent.name}/{path.name} {images[path].shape}\n" for path in training)
    pairs = [
        pair for copy in copies if min(copy.shape) >= smallest for pair in make_pairs(copy, scale, degrades)
    ]
    held_out = [degrade(_part(images[path]), scale) for path in validation for degrade in validate_by]
    count = len(training)
    clips = film.pairs_of(find_clips(folders), scale, smallest) if film else {}
    if clips:
        filmed, unseen = hold_out(clips)
        named += "".join(f"{path.parent.name}/{path.name} {len(clips[path])}\n" for path in filmed)
        pairs += [
            Pair(low=low, phases=to_phases(high, scale)) for path in filmed for high, low in clips[path]
        ]
        held_out += [pair for path in unseen for pair in clips[path]]
        count += len(filmed)
    return TrainingImages(count=count, pairs=pairs, validation=held_out, digest=_digest(named)[:16])


def _part(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return luma[:_LARGEST_SIDE, :_LARGEST_SIDE]


def hold_out(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Split files into training and validation, always in the same way.

    The split follows a hash of the folder's and the file's name, so it depends
    neither on the order of the files nor on their location.

    Args:
        paths: At least two files.

    Returns:
        (training, validation); one file in 24, and at least one, is for validation.

    Raises:
        InputError: Fewer than two files.
    """
    ranked = sorted(paths, key=lambda path: _digest(f"{path.parent.name}/{path.name}"))
    if len(ranked) < 2:
        raise InputError(f"{len(ranked)} usable images; training needs two or more, one of them to validate")
    count = math.ceil(len(ranked) / _HELD_OUT)
    return ranked[count:], ranked[:count]


def reduced(luma: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Reduce an image, which makes it sharper per pixel.

    Args:
        luma: uint8 (H, W).
        share: Relative size of the result, 0..1.

    Returns:
        uint8 (share·H, share·W), sides rounded; ``luma`` itself if ``share`` is 1.
    """
    if share == 1:
        return luma
    height, width = (round(share * side) for side in luma.shape)
    return round_to_8_bit(resample(luma.astype(np.float32) / 255, (height, width)))


def make_pairs(luma: NDArray[np.uint8], scale: int, degrades: Sequence[Degrade]) -> list[Pair]:
    """Degrade an image in several ways.

    Args:
        luma: uint8 (H, W), at least ``scale`` pixels a side.
        scale: Integer scale.
        degrades: The degradations.

    Returns:
        A pair for each degradation, with the high resolution cropped by it. Pairs with the same
        high resolution share it in memory.
    """
    pairs: list[Pair] = []
    last: NDArray[np.uint8] | None = None
    for degrade in degrades:
        high, low = degrade(luma, scale)
        same = last is not None and np.array_equal(high, last)
        pairs.append(Pair(low=low, phases=pairs[-1].phases if same else to_phases(high, scale)))
        last = high
    return pairs


def to_phases[T: np.generic](image: NDArray[T], scale: int) -> NDArray[T]:
    """Rearrange an image like the last convolution's output: the inverse of the pixel shuffle.

    With images rearranged once, the training loop needs no shuffle (section
    3.2 of the paper).

    Args:
        image: (scale·H, scale·W).
        scale: Integer scale.

    Returns:
        (scale², H, W); channel ``scale·row + column`` holds the pixels at that
        position of each scale×scale cell.
    """
    height, width = (side // scale for side in image.shape)
    cells = image.reshape(height, scale, width, scale)
    return np.ascontiguousarray(cells.transpose(1, 3, 0, 2)).reshape(scale * scale, height, width)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
