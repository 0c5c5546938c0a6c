"""A frame as a PNG file of its own depth, with its alpha."""

import subprocess
from typing import Any

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.encoding.encode_errors import frame_errors
from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.side_by_side import assumed_matrix
from vs_espcn.errors import EncodeError

_PIXEL_FORMATS = {
    (1, np.uint8): "gray",
    (2, np.uint8): "ya8",
    (3, np.uint8): "rgb24",
    (4, np.uint8): "rgba",
    (1, np.uint16): "gray16le",
    (2, np.uint16): "ya16le",
    (3, np.uint16): "rgb48le",
    (4, np.uint16): "rgba64le",
}
"""ffmpeg's names by planes and type of a sample; Pillow writes 16 bits of grey alone."""


def png_file(clip: vs.VideoNode) -> bytes:
    """Return a clip's first frame as a PNG file.

    Args:
        clip: Of any format. Up to 8 bits become 8, more become 16; grey stays grey.
            Where a YUV clip names no matrix, it is BT.709 for HD, else BT.601.

    Raises:
        EncodeError: The frame could not be made, or ffmpeg cannot write PNG.
    """
    samples = _samples(clip)
    height, width, planes = samples.shape
    command = [
        *(find_ffmpeg().path, "-hide_banner", "-loglevel", "error", "-f", "rawvideo"),
        *("-pixel_format", _PIXEL_FORMATS[planes, samples.dtype.type], "-video_size", f"{width}x{height}"),
        *("-i", "pipe:0", "-c:v", "png", "-f", "image2pipe", "pipe:1"),
    ]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=False)
    if done.returncode:
        raise EncodeError(f"ffmpeg could not write PNG: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _samples(clip: vs.VideoNode) -> NDArray[Any]:
    """Full-range samples of the first frame, uint8 or uint16: (height, width, planes); alpha is the last."""
    is_deep, is_grey = clip.format.bits_per_sample > 8, clip.format.color_family == vs.GRAY
    grey = vs.GRAY16 if is_deep else vs.GRAY8
    colour = vs.RGB48 if is_deep else vs.RGB24
    matrix = assumed_matrix(clip, 0) if clip.format.color_family == vs.YUV else None
    full = vs.RANGE_FULL
    with frame_errors():
        shown = [
            vs.core.resize.Bicubic(clip, format=grey if is_grey else colour, matrix_in=matrix, range=full)
        ]
        with clip.get_frame(0) as frame:
            has_alpha = "_Alpha" in frame.props
        if has_alpha:
            alpha = vs.core.std.PropToClip(clip, "_Alpha")
            shown.append(vs.core.resize.Point(alpha, format=grey, range_in=full, range=full))
        planes: list[NDArray[Any]] = []
        for part in shown:
            with part.get_frame(0) as frame:
                planes += [np.array(plane) for plane in frame]
    return np.dstack(planes)
