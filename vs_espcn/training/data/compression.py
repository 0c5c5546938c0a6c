"""Low resolution as video brings it: soft, noisy, and through an encoder.

What is drawn at random, and between which limits, is a ``DegradationProfile``: ``VIDEO``
for what cameras filmed, ``ANIME`` for what was drawn.

Most frames of a video are predicted from others, so an image becomes a short
pan over itself, in steps that are no whole samples at low resolution, and one
of its frames is kept.
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
_FASTEST = 3  # samples of the high resolution per frame, either way
_SMALLEST = 64  # side that encoders are given; x265 4.3 crashes on pictures of 36×28
_QUIET = ("-hide_banner", "-loglevel", "error")
_RAW = ("-f", "rawvideo", "-pix_fmt", "yuv420p")


@dataclass(frozen=True)
class VideoEncoder:
    """An encoder of ffmpeg.

    Attributes:
        codec: ffmpeg's name of it.
        rates: Least and largest value of what sets its quality.
        options: How it is run.
        rate: ffmpeg's option that sets its quality; a larger value loses more.
    """

    codec: str
    rates: tuple[int, int]
    options: tuple[str, ...]
    rate: str = "-crf"


@dataclass(frozen=True, kw_only=True)
class DegradationProfile:
    """What low resolution of one kind may have gone through.

    Attributes:
        version: Names the kind and all of its limits; changes with anything that changes a result.
        noisiest: Largest σ of the noise, in codes.
        encoders: Each equally likely; None leaves frames without noise and encoder.
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
# Flat areas in 8 bits show bands: so x265 codes 10, as releases of anime do.
ANIME = DegradationProfile(
    version="anime 3",
    noisiest=1.0,
    encoders=(X264, X264_TUNED, X264_MEDIUM, X265, X265_TUNED, AV1, None, None),
)

_TREATED = 0.15  # share that is blurred or rings before the reduction
_NOISY = 0.2  # share that gets noise


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What happens to the frames of an image or of a clip.

    Attributes:
        motion: Samples of the high resolution, down and across, by which a pan moves per frame.
        kept: Which of a pan's frames is kept.
        treated: Whether frames are blurred or ring before they get smaller.
        noise: σ of Gaussian noise in codes, drawn anew for each frame.
        encoder: What the frames go through, if anything.
        rate: The encoder's quality.
        seed: Draws the kernel, and what is done before it.
    """

    motion: tuple[int, int]
    kept: int
    treated: bool
    noise: float
    encoder: VideoEncoder | None
    rate: int
    seed: int


def draw_treatment(source: DegradationProfile, random: np.random.Generator) -> Treatment:
    """Draw what happens to an image or a clip, by the encoders that are there."""
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
    """Whether the ffmpeg at hand has an encoder; one that is missing is named once."""
    names = {
        line.split()[1]
        for line in run_ffmpeg(("-encoders",), b"").decode().splitlines()
        if len(line.split()) > 1
    }
    if codec not in names:
        logger.warning("ffmpeg has no %s; training goes on without it", codec)
    return codec in names


def degrade_frames(
    frames: Sequence[NDArray[np.uint8]], scale: int, treatment: Treatment
) -> list[NDArray[np.uint8]]:
    """Make frames smaller, and take them through noise and an encoder.

    Args:
        frames: uint8 (H, W), all of one size; H and W are multiples of ``2 * scale``.
        scale: Integer scale.
        treatment: What happens to them.

    Returns:
        As many frames, uint8 (H / scale, W / scale).

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    noise = np.random.default_rng(treatment.seed)
    low = []
    for frame in frames:
        random = np.random.default_rng(treatment.seed)  # the same kernel for all
        small = draw_reduction(frame.astype(np.float32) / 255, scale, random, treated=treatment.treated)
        low.append(round_to_8_bit(small + noise.normal(0, treatment.noise / 255, small.shape)))
    return through_encoder(low, treatment.encoder, treatment.rate) if treatment.encoder else low


class AsVideo:
    """Degrades images as video does; what an encoder made of one is kept in a folder."""

    def __init__(self, source: DegradationProfile, folder: Path, number: int = 0) -> None:
        """Prepare.

        Args:
            source: What may happen to images.
            folder: Where results are kept, one small PNG file per image and scale.
            number: Tells one such variant of an image from another.
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
            The part of the image that is in the kept frame, uint8 (scale·h, scale·w) with h and w
            even, and that frame as it came out, uint8 (h, w).

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
        encoder: What encodes them.
        rate: Its quality.

    Returns:
        As many frames of that size.

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    height, width = frames[0].shape
    rows, columns = max(height, _SMALLEST), max(width, _SMALLEST)
    chroma = np.full(rows * columns // 2, 128, np.uint8).tobytes()
    beside = ((0, rows - height), (0, columns - width))
    raw = b"".join(np.pad(frame, beside, "edge").tobytes() + chroma for frame in frames)
    source = (*_RAW, "-s", f"{columns}x{rows}", "-i", "pipe:0")
    rated = ("-c:v", encoder.codec, *encoder.options, encoder.rate, str(rate))
    target = (*rated, "-threads", "1", "-f", "matroska", "pipe:1")
    decoded = run_ffmpeg(("-i", "pipe:0", *_RAW, "pipe:1"), run_ffmpeg((*source, *target), raw))
    if len(decoded) != len(raw):
        raise TrainingError(f"ffmpeg gave {len(decoded)} bytes for {len(raw)}; try another build of ffmpeg")
    planes = np.frombuffer(decoded, np.uint8).reshape(len(frames), -1)
    return [plane[: rows * columns].reshape(rows, columns)[:height, :width] for plane in planes]


def run_ffmpeg(arguments: Sequence[str], given: bytes) -> bytes:
    """What ffmpeg writes to its standard output, given something on its standard input.

    Raises:
        TrainingError: ffmpeg is missing or failed.
    """
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *_QUIET, *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout
    except (OSError, RuntimeError) as error:
        raise TrainingError(f"ffmpeg cannot be run ({error}); name one in IMAGEIO_FFMPEG_EXE") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() or f"exit status {error.returncode}"
        raise TrainingError(f"ffmpeg failed: {said}; it needs libx264 and libx265") from error


def _pan(luma: NDArray[np.uint8], motion: tuple[int, int], unit: int) -> list[NDArray[np.uint8]]:
    """The image seen through a window that moves; its sides are multiples of ``unit``."""
    last = _FRAMES - 1
    height, width = (
        (side - abs(pace) * last) // unit * unit for side, pace in zip(luma.shape, motion, strict=True)
    )
    corners = [[pace * step - min(0, pace * last) for pace in motion] for step in range(_FRAMES)]
    return [luma[top : top + height, left : left + width] for top, left in corners]


def read_kept(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """What is kept, or None where nothing usable is."""
    try:
        with Image.open(path) as image:
            low = np.asarray(image)
    except (OSError, SyntaxError):
        return None
    return low if low.shape == shape and low.dtype == np.uint8 else None


def write_kept(path: Path, low: NDArray[np.uint8]) -> None:
    """Keep a result, whole or not at all."""
    buffer = io.BytesIO()
    Image.fromarray(low).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
