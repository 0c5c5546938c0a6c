"""Low resolution as video brings it: soft, noisy, and through an encoder.

What is drawn at random, and between which limits, is a ``DegradationProfile``: ``VIDEO``
for what cameras filmed, ``ANIME`` for what was drawn.

Most frames of a video are predicted from others, so an image becomes a short
pan over itself, in steps that are no whole samples at low resolution, and one
of its frames is kept.
"""

import hashlib
import io
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vs_espcn.errors import TrainingError
from vs_espcn.training.data.degradation import blurred, round_to_8_bit, shrink
from vs_espcn.training.files import write_atomically

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
        options: How it is run.
    """

    codec: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DegradationProfile:
    """What low resolution of one kind may have gone through.

    Attributes:
        version: Names the kind and all of its limits; changes with anything that changes a result.
        softest: Largest σ of the blur, in samples of the low resolution.
        noisiest: Largest σ of the noise, in codes.
        encoders: Each equally likely; None leaves an image without blur, noise and encoder.
        rates: Least and largest constant rate factor.
    """

    version: str
    softest: float
    noisiest: float
    encoders: tuple[VideoEncoder | None, ...]
    rates: tuple[int, int]


X264 = VideoEncoder("libx264", ("-preset", "fast"))
X265 = VideoEncoder(
    "libx265", ("-preset", "fast", "-x265-params", "log-level=error:pools=none:frame-threads=1")
)
_TUNED = ("-tune", "animation")
X264_TUNED = VideoEncoder(X264.codec, (*X264.options, *_TUNED))
X265_TUNED = VideoEncoder(X265.codec, (*X265.options, *_TUNED, "-pix_fmt", "yuv420p10le"))

VIDEO = DegradationProfile(version="1", softest=0.5, noisiest=3.0, encoders=(X264, X265), rates=(16, 30))
# Drawn frames are cleaner, and flat areas in 8 bits show bands: so x265 codes 10, as releases of anime do.
ANIME = DegradationProfile(
    version="anime 1",
    softest=0.4,
    noisiest=1.5,
    encoders=(X264, X264_TUNED, X265_TUNED, None),
    rates=(16, 28),
)


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What happens to one image.

    Attributes:
        motion: Samples of the high resolution, down and across, by which the pan moves per frame.
        kept: Which of the frames is kept.
        blur: σ of a Gaussian, in samples of the low resolution.
        noise: σ of Gaussian noise in codes, drawn anew for each frame.
        encoder: What the frames go through, if anything.
        rate: Its constant rate factor.
    """

    motion: tuple[int, int]
    kept: int
    blur: float
    noise: float
    encoder: VideoEncoder | None
    rate: int


def draw_treatment(source: DegradationProfile, random: np.random.Generator) -> Treatment:
    """Draw what happens to an image: half of them stay sharp, half of them free of noise."""
    down, across = random.integers(-_FASTEST, _FASTEST + 1, 2)
    treatment = Treatment(
        motion=(int(down), int(across)),
        kept=int(random.integers(_FRAMES)),
        blur=float(max(0.0, random.uniform(-source.softest, source.softest))),
        noise=float(max(0.0, random.uniform(-source.noisiest, source.noisiest))),
        encoder=source.encoders[int(random.integers(len(source.encoders)))],
        rate=int(random.integers(source.rates[0], source.rates[1] + 1)),
    )
    return treatment if treatment.encoder else replace(treatment, blur=0.0, noise=0.0)


class AsVideo:
    """Degrades images as video does; what an encoder made of one is kept in a folder."""

    def __init__(self, source: DegradationProfile, folder: Path) -> None:
        """Prepare.

        Args:
            source: What may happen to images.
            folder: Where results are kept, one small PNG file per image and scale.
        """
        self._source = source
        self._folder = folder

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
        key = hashlib.sha256(
            f"{self._source.version} {scale} {luma.shape} ".encode() + luma.tobytes()
        ).hexdigest()
        random = np.random.default_rng(int(key[:16], 16))
        treatment = draw_treatment(self._source, random)
        windows = _pan(luma, treatment.motion, 2 * scale)
        high = windows[treatment.kept]
        path = self._folder / key[:2] / f"{key}.png"
        low = _read(path, (high.shape[0] // scale, high.shape[1] // scale))
        if low is None:
            frames = [_soften(window, scale, treatment, random) for window in windows]
            if treatment.encoder:
                frames = through_encoder(frames, treatment.encoder, treatment.rate)
            low = frames[treatment.kept]
            _write(path, low)
        return high, low


def through_encoder(
    frames: Sequence[NDArray[np.uint8]], encoder: VideoEncoder, rate: int
) -> list[NDArray[np.uint8]]:
    """Encode luma as 4:2:0 with flat chroma, and decode it.

    Args:
        frames: uint8 (h, w), all of one size, both sides even.
        encoder: What encodes them.
        rate: Constant rate factor.

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
    rated = ("-c:v", encoder.codec, *encoder.options, "-crf", str(rate))
    target = (*rated, "-threads", "1", "-f", "matroska", "pipe:1")
    decoded = _ffmpeg(("-i", "pipe:0", *_RAW, "pipe:1"), _ffmpeg((*source, *target), raw))
    if len(decoded) != len(raw):
        raise TrainingError(f"ffmpeg gave {len(decoded)} bytes for {len(raw)}; try another build of ffmpeg")
    planes = np.frombuffer(decoded, np.uint8).reshape(len(frames), -1)
    return [plane[: rows * columns].reshape(rows, columns)[:height, :width] for plane in planes]


def _ffmpeg(arguments: Sequence[str], given: bytes) -> bytes:
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


def _soften(
    window: NDArray[np.uint8], scale: int, treatment: Treatment, random: np.random.Generator
) -> NDArray[np.uint8]:
    soft = blurred(window.astype(np.float32) / 255, treatment.blur * scale)
    low = shrink(soft, scale)
    return round_to_8_bit(low + random.normal(0, treatment.noise / 255, low.shape).astype(np.float32))


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """What is kept, or None where nothing usable is."""
    try:
        with Image.open(path) as image:
            low = np.asarray(image)
    except (OSError, SyntaxError):
        return None
    return low if low.shape == shape and low.dtype == np.uint8 else None


def _write(path: Path, low: NDArray[np.uint8]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(low).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
