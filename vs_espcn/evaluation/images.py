"""Score methods on folders of images, by the protocol of the literature."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import Luma, first_luma, measuring, to_clip
from vs_espcn.evaluation.kernel_scores import LITERATURE, Kernels
from vs_espcn.evaluation.methods import Method
from vs_espcn.evaluation.scores import EXACT_COPY, UNCOMPRESSED, Score, labels
from vs_espcn.training.data.degradation import rgb_to_luma, round_to_8_bit, shrink
from vs_espcn.training.data.image_files import find_images, read_pixels
from vs_espcn.training.data.kernels import KERNELS, Kernel
from vs_espcn.training.metrics import SSIM_WINDOW, mod_crop, psnr, shave, ssim

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Original:
    """An original image.

    Attributes:
        group: Name of its folder.
        name: Path within the folder.
        luma: uint8 (H, W).
    """

    group: str
    name: str
    luma: Luma


def read_folders(folders: Sequence[Path], scales: Sequence[int]) -> list[Original]:
    """Read every usable image; log each skipped file and their number.

    Args:
        folders: Folders, searched in depth.
        scales: The scales to measure; images too small for one of them are skipped.

    Raises:
        InputError: A folder is missing or has no usable image.
    """
    images = []
    for folder, group in zip(folders, labels(folders), strict=True):
        paths = find_images([folder])
        usable = [
            Original(group=group, name=path.relative_to(folder).as_posix(), luma=luma)
            for path in paths
            if (luma := _read_or_skip(path, scales)) is not None
        ]
        if skipped := len(paths) - len(usable):
            _log.warning("%s: %d of %d images skipped", folder, skipped, len(paths))
        if not usable:
            raise InputError(f"{folder} has no usable image; give a folder of larger or whole images")
        images += usable
    return images


def read_measured_luma(path: Path) -> Luma:
    """Read an image file as the literature measures it.

    Colour turns to BT.601 limited-range luma; grey is taken as it is, on 0..255.
    Transparent pixels are laid over mid-grey.

    Returns:
        uint8 (H, W).

    Raises:
        InputError: The file cannot be decoded.
    """
    pixels = read_pixels(path)
    return pixels if pixels.ndim == 2 else rgb_to_luma(pixels)


def degrade(truth: Luma, scale: int, kernel: Kernel = KERNELS["bicubic"]) -> Luma:
    """Reduce with antialiasing and round to 8 bits.

    Args:
        truth: uint8 (H, W), both multiples of `scale`.
        scale: Integer scale.
        kernel: The reduction's kernel.

    Returns:
        uint8 (H / scale, W / scale).
    """
    return round_to_8_bit(shrink(truth / 255, scale, kernel))


def score_images(
    images: Sequence[Original],
    methods: Sequence[Method],
    scales: Sequence[int],
    kernels: Kernels = LITERATURE,
) -> Iterator[Score]:
    """Reduce each image, upscale it by each method that has the scale, and compare.

    Images are cropped to a multiple of the scale; low-resolution images and
    results are 8-bit; `scale` pixels at each border don't count.

    Args:
        images: From `read_folders`, for the same scales.
        methods: The methods to measure.
        scales: Integer scales.
        kernels: The kernels that reduce the images.

    Raises:
        InputError: A network cannot run.
    """
    for image in images:
        with measuring(f"{image.group}/{image.name}"):
            for scale in scales:
                usable = [method for method in methods if method.has(scale)]
                for name, kernel in kernels.items():
                    yield from _score_image(image, usable, scale, name, kernel)


def _score_image(
    image: Original, methods: Sequence[Method], scale: int, name: str, kernel: Kernel
) -> Iterator[Score]:
    truth = mod_crop(image.luma, scale)
    low = to_clip(degrade(truth, scale, kernel))
    inner = shave(truth, scale)
    for method in methods:
        result = shave(first_luma(method.upscale(low, scale)), scale)
        yield Score(
            group=image.group,
            item=image.name,
            source=name or UNCOMPRESSED,
            scale=scale,
            method=method.name,
            psnr=min(psnr(result, inner), EXACT_COPY),
            ssim=ssim(result, inner),
        )


def _read_or_skip(path: Path, scales: Sequence[int]) -> Luma | None:
    try:
        luma = read_measured_luma(path)
    except InputError as error:
        _log.warning("skipped: %s", error)
        return None
    smallest = min(luma.shape)
    if any(smallest - smallest % scale - 2 * scale < SSIM_WINDOW for scale in scales):
        height, width = luma.shape
        needed = SSIM_WINDOW + 3 * max(scales) - 1
        _log.warning("skipped: %s is %dx%d; %d pixels a side are enough", path, width, height, needed)
        return None
    return luma
