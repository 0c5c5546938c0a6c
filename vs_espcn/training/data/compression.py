"""Degrade images as video does: with blur, noise and an encoder.

A ``DegradationProfile`` gives the random choices and their limits: ``VIDEO``
for filmed images, ``ANIME`` for drawn ones.

Most frames of a video are predicted from others. So an image becomes a short
pan over itself, in steps that are not whole low-resolution samples, and one of
the frames is kept.
"""

import hashlib
import io
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vs_espcn.errors import TrainingError
from vs_espcn.training.data.degradation import round_to_8_bit
from vs_espcn.training.data.mix import draw_reduction
from vs_espcn.training.files import write_atomically

logger = logging.getLogger(__name__)

_FRAMES = 4
_FASTEST = 3  # high-resolution samples per frame, in either direction
_SMALLEST = 64  # least side for encoders; x265 4.3 crashes on pictures of 36×28
_QUIET = ("-hide_banner", "-loglevel", "error")
_RAW = ("-f", "rawvideo", "-pix_fmt", "yuv420p")


@dataclass(frozen=True)
class VideoEncoder:
    """An encoder of ffmpeg.

    Attributes:
        codec: ffmpeg's name of the encoder.
        rates: Smallest and largest value of the option for quality.
        options: Its other options.
        rate: ffmpeg's option for quality; a larger value loses more.
    """

    codec: str
    rates: tuple[int, int]
    options: tuple[str, ...]
    rate: str = "-crf"


@dataclass(frozen=True, kw_only=True)
class DegradationProfile:
    """The possible degradations of one kind of source.

    Attributes:
        version: Names the kind and all its limits; changes whenever a result changes.
        noisiest: Largest σ of the noise, in 8-bit codes.
        encoders: Equally likely encoders; None means neither noise nor encoder.
    """

    version: str
    noisiest: float
    encoders: tuple[VideoEncoder | None, ...]


_QUIET_X265 = ("-x265-params", "log-level=error:pools=none:frame-threads=1")
_TUNED = ("-tune", "animation")
_TEN_BITS = ("-pix_fmt", "yuv420p10le")
X264 = VideoEncoder("libx264", (15, 30), ("-preset", "fast"))
X264_MEDIUM = VideoEncoder("libx264", (15, 30), ("-preset", "medium"))
X264_TUNED = VideoEncoder("libx264", (15, 30), ("-preset", "fast", *_TUNED))
X265 = VideoEncoder("libx265", (15, 30), ("-preset", "fast", *_QUIET_X265))
X265_TEN_BITS = VideoEncoder("libx265", (15, 30), (*X265.options, *_TEN_BITS))
X265_TUNED = VideoEncoder("libx265", (15, 30), (*X265.options, *_TUNED, *_TEN_BITS))
AV1 = VideoEncoder("libsvtav1", (22, 45), ("-preset", "8", *_TEN_BITS))
MPEG2 = VideoEncoder("mpeg2video", (2, 8), ("-g", "15", "-bf", "2"), "-q:v")

VIDEO = DegradationProfile(
    version="video 3",
    noisiest=1.5,
    encoders=(X264, X264, X264_MEDIUM, X264_MEDIUM, X265, X265_TEN_BITS, AV1, MPEG2, None),
)
# Flat areas show bands at 8 bits, so x265 codes 10 bits, as in releases of anime.
ANIME = DegradationProfile(
    version="anime 3",
    noisiest=1.0,
    encoders=(X264, X264_TUNED, X264_MEDIUM, X265, X265_TUNED, AV1, None, None),
)

_TREATED = 0.15  # share of images that get blur or ringing before the reduction
_NOISY = 0.2  # share of images that get noise


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """The degradation of the frames of an image or a clip.

    Attributes:
        motion: High-resolution samples, down and across, by which a pan moves per frame.
        kept: Index of the pan's frame that is kept.
        treated: True if frames get blur or ringing before the reduction.
        noise: σ of Gaussian noise in 8-bit codes, drawn anew for each frame.
        encoder: The encoder; None for none.
        rate: Value of the encoder's option for quality.
        seed: Seed of the kernel, the blur or ringing, and the noise.
    """

    motion: tuple[int, int]
    kept: int
    treated: bool
    noise: float
    encoder: VideoEncoder | None
    rate: int
    seed: int


def draw_treatment(source: DegradationProfile, random: np.random.Generator) -> Treatment:
    """Draw the degradation of an image or a clip, with the encoders that ffmpeg has."""
    down, across = random.integers(-_FASTEST, _FASTEST + 1, 2)
    encoders = [each for each in source.encoders if each is None or is_there(each.codec)]
    encoder = encoders[int(random.integers(len(encoders)))]
    noise = float(random.uniform(0, source.noisiest)) if random.uniform() < _NOISY else 0.0
    low, high = encoder.rates if encoder else (0, 0)
    return Treatment(
        motion=(int(down), int(across)),
        kept=int(random.integers(_FRAMES)),
        treated=bool(random.uniform() < _TREATED),
        noise=noise if encoder else 0.0,
        encoder=encoder,
        rate=int(random.integers(low, high + 1)),
        seed=int(random.integers(2**32)),
    )


@cache
def is_there(codec: str) -> bool:
    """Tell whether ffmpeg has an encoder; log a missing one once."""
    names = {
        line.split()[1]
        for line in run_ffmpeg(("-encoders",), b"").decode().splitlines()
        if len(line.split()) > 1
    }
    if codec not in names:
        logger.warning("ffmpeg has no %s; training continues without it", codec)
    return codec in names


def degrade_frames(
    frames: Sequence[NDArray[np.uint8]], scale: int, treatment: Treatment
) -> list[NDArray[np.uint8]]:
    """Reduce frames, and pass them through noise and an encoder.

    Args:
        frames: uint8 (H, W), all of one size; H and W are multiples of ``2 * scale``.
        scale: Integer scale.
        treatment: Their degradation.

    Returns:
        As many frames, uint8 (H / scale, W / scale).

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    noise = np.random.default_rng(treatment.seed)
    low = []
    for frame in frames:
        random = np.random.default_rng(treatment.seed)  # the same kernel for all frames
        small = draw_reduction(frame.astype(np.float32) / 255, scale, random, treated=treatment.treated)
        low.append(round_to_8_bit(small + noise.normal(0, treatment.noise / 255, small.shape)))
    return through_encoder(low, treatment.encoder, treatment.rate) if treatment.encoder else low


class AsVideo:
    """Degradation of images as in video, with the results kept in a folder."""

    def __init__(self, source: DegradationProfile, folder: Path, number: int = 0) -> None:
        """Set the degradations and the folder.

        Args:
            source: The possible degradations.
            folder: Folder of the results, one small PNG file per image and scale.
            number: Number of the variant; each number degrades an image differently.
        """
        self._source = source
        self._folder = folder
        self._version = f"{source.version} {number}" if number else source.version

    def __call__(self, luma: NDArray[np.uint8], scale: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Degrade an image, always in the same way.

        Args:
            luma: uint8 (H, W).
            scale: Integer scale.

        Returns:
            The part of the image in the kept frame, uint8 (scale·h, scale·w) with h and w even,
            and that frame after degradation, uint8 (h, w).

        Raises:
            TrainingError: ffmpeg failed, or the folder cannot be written.
        """
        key = hashlib.sha256(f"{self._version} {scale} {luma.shape} ".encode() + luma.tobytes()).hexdigest()
        treatment = draw_treatment(self._source, np.random.default_rng(int(key[:16], 16)))
        windows = _pan(luma, treatment.motion, 2 * scale)
        high = windows[treatment.kept]
        path = self._folder / key[:2] / f"{key}.png"
        low = read_kept(path, (high.shape[0] // scale, high.shape[1] // scale))
        if low is None:
            low = degrade_frames(windows, scale, treatment)[treatment.kept]
            write_kept(path, low)
        return high, low


def through_encoder(
    frames: Sequence[NDArray[np.uint8]], encoder: VideoEncoder, rate: int
) -> list[NDArray[np.uint8]]:
    """Encode luma as 4:2:0 with flat chroma, and decode it.

    Args:
        frames: uint8 (h, w), all of one size, both sides even.
        encoder: The encoder.
        rate: Value of its option for quality.

    Returns:
        As many frames of that size.

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    height, width = frames[0].shape
    rows, columns = max(height, _SMALLEST), max(width, _SMALLEST)
    chroma = np.full(rows * columns // 2, 128, np.uint8).tobytes()
    margin = ((0, rows - height), (0, columns - width))
    raw = b"".join(np.pad(frame, margin, "edge").tobytes() + chroma for frame in frames)
    source = (*_RAW, "-s", f"{columns}x{rows}", "-i", "pipe:0")
    rated = ("-c:v", encoder.codec, *encoder.options, encoder.rate, str(rate))
    target = (*rated, "-threads", "1", "-f", "matroska", "pipe:1")
    decoded = run_ffmpeg(("-i", "pipe:0", *_RAW, "pipe:1"), run_ffmpeg((*source, *target), raw))
    if len(decoded) != len(raw):
        raise TrainingError(f"ffmpeg decoded {len(decoded)} bytes of {len(raw)}; try another build of ffmpeg")
    planes = np.frombuffer(decoded, np.uint8).reshape(len(frames), -1)
    return [plane[: rows * columns].reshape(rows, columns)[:height, :width] for plane in planes]


def run_ffmpeg(arguments: Sequence[str], given: bytes) -> bytes:
    """Run ffmpeg with `given` on its standard input, and return its standard output.

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *_QUIET, *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout
    except (OSError, RuntimeError) as error:
        raise TrainingError(f"ffmpeg cannot be run ({error}); give its path in IMAGEIO_FFMPEG_EXE") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() or f"exit status {error.returncode}"
        raise TrainingError(f"ffmpeg failed: {said}; it needs libx264 and libx265") from error


def _pan(luma: NDArray[np.uint8], motion: tuple[int, int], unit: int) -> list[NDArray[np.uint8]]:
    """Return the image in each position of a moving window, with sides that are multiples of ``unit``."""
    last = _FRAMES - 1
    height, width = (
        (side - abs(pace) * last) // unit * unit for side, pace in zip(luma.shape, motion, strict=True)
    )
    corners = [[pace * step - min(0, pace * last) for pace in motion] for step in range(_FRAMES)]
    return [luma[top : top + height, left : left + width] for top, left in corners]


def read_kept(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """Read a kept result; None if it is missing or unusable."""
    try:
        with Image.open(path) as image:
            low = np.asarray(image)
    except (OSError, SyntaxError):
        return None
    return low if low.shape == shape and low.dtype == np.uint8 else None


def write_kept(path: Path, low: NDArray[np.uint8]) -> None:
    """Write a result for `read_kept`, atomically."""
    buffer = io.BytesIO()
    Image.fromarray(low).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
