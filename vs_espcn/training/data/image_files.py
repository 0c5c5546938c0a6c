"""Find image files in folders, and read them as luma."""

import logging
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vs_espcn.errors import InputError
from vs_espcn.training.data.degradation import rgb_to_luma

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
MOST_PIXELS = 64_000_000
"""Largest number of pixels of an image: decoding and converting take up to 40 bytes per pixel."""

_BACKDROP = (128, 128, 128, 255)  # behind transparent pixels


def find_images(folders: Sequence[Path]) -> list[Path]:
    """List the image files in folders and their subfolders.

    Args:
        folders: The folders to search.

    Returns:
        Paths, sorted within each folder.

    Raises:
        InputError: A folder does not exist, or none holds an image.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; give folders of images")
        found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        names = ", ".join(str(folder) for folder in folders)
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"no images in {names}; give folders with {suffixes} files")
    return found


def read_luma(path: Path) -> NDArray[np.uint8]:
    """Read an image file as BT.601 limited-range luma.

    Args:
        path: File in any format that Pillow reads; grey counts as R = G = B.

    Returns:
        uint8 (H, W), 16..235.

    Raises:
        InputError: Pillow cannot decode the file.
    """
    pixels = read_pixels(path)
    rgb = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    return rgb_to_luma(rgb)


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """Read an image file as opaque 8-bit grey or RGB.

    Transparent images are composited on mid-grey; 16-bit grey keeps its upper 8 bits.

    Args:
        path: File in any format that Pillow reads.

    Returns:
        uint8 0..255, (H, W) for a grey image and (H, W, 3) for any other.

    Raises:
        InputError: It is not a regular file, Pillow cannot decode it, or it has more than `MOST_PIXELS`.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a regular file; leave it out")
    try:
        with _open_image(path) as image:
            if image.mode.startswith("I;16"):
                return (np.asarray(image) >> 8).astype(np.uint8)
            if image.has_transparency_data:
                rgba = image.convert("RGBA")
                return np.asarray(
                    Image.alpha_composite(Image.new("RGBA", rgba.size, _BACKDROP), rgba).convert("RGB")
                )
            return np.asarray(image.convert("L" if image.mode in {"1", "L"} else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be decoded ({error}); replace the file") from error


def _open_image(path: Path) -> Image.Image:
    """Open an image file, and refuse one that would take too much memory to decode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is lower
        image = Image.open(path)
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise InputError(
            f"{path} is {image.width}x{image.height}, above the limit of {MOST_PIXELS // 10**6} megapixels; "
            "reduce or split it"
        )
    return image


def read_images(paths: Iterable[Path], smallest: int) -> dict[Path, NDArray[np.uint8]]:
    """Read every usable image; log each one that is skipped.

    Args:
        paths: Image files.
        smallest: Smallest usable width and height.

    Returns:
        Luma per file, uint8 (H, W).
    """
    images: dict[Path, NDArray[np.uint8]] = {}
    skipped = 0
    for path in paths:
        try:
            luma = read_luma(path)
        except InputError as error:
            logger.warning("skipped: %s", error)
            skipped += 1
            continue
        if min(luma.shape) < smallest:
            height, width = luma.shape
            logger.warning("skipped: %s is %dx%d; %d pixels a side are needed", path, width, height, smallest)
            skipped += 1
            continue
        images[path] = luma
    logger.info("%d images read, %d skipped", len(images), skipped)
    return images
