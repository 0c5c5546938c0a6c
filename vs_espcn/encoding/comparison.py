"""Part of one frame by every shipped network and by bicubic, side by side, enlarged alike."""

import math
from collections.abc import Sequence

import vapoursynth as vs
from PIL import Image

from vs_espcn.encoding.side_by_side import CropArea, enlarged, frame_picture, side_by_side
from vs_espcn.errors import InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.networks import registry

_SIDE = 640  # about how large an area is shown, if it is smaller
_BICUBIC = {"filter_param_a": 0.0, "filter_param_b": 0.5}  # that of docs/measurements/quality.md


def default_crop(width: int, height: int) -> str:
    """Return the area that is shown unless told: the middle of a picture."""
    return f"{min(width, 160)}x{min(height, 120)}"


def frame_of(clip: vs.VideoNode, number: int) -> vs.VideoNode:
    """One frame as a clip.

    Raises:
        InputError: The clip has no such frame.
    """
    if not 0 <= number < clip.num_frames:
        raise InputError(f"frame {number} is not in the video; it has frames 0 to {clip.num_frames - 1}")
    return clip[number]


def networks_of(scale: int) -> list[str]:
    """The shipped networks of a scale, without int8 forms, which look the same.

    Raises:
        InputError: There is none.
    """
    specs = [spec for spec in registry.shipped() if not spec.is_int8]
    names = [spec.network for spec in specs if spec.scale == scale]
    if not names:
        scales = sorted({spec.scale for spec in specs})
        raise InputError(f"scale {scale} has no network; choose one of {', '.join(map(str, scales))}")
    return names


def upscaled_pictures(
    frame: vs.VideoNode, area: CropArea, scale: int, networks: Sequence[str]
) -> dict[str, Image.Image]:
    """Upscale part of a frame by bicubic and by networks.

    Args:
        frame: A clip of one frame.
        area: What is shown of it.
        scale: A scale that the networks have.
        networks: Names of shipped networks.

    Returns:
        RGB pictures by name, `scale` times as large as `area`.

    Raises:
        vs.Error: As from `vs_espcn.upscale`.
        EncodeError: The frame could not be made.
    """
    size = {"width": frame.width * scale, "height": frame.height * scale}
    results = {"bicubic": vs.core.resize.Bicubic(frame, **size, **_BICUBIC)} | {
        name: upscale_with(frame, UpscaleOptions(scale=scale, network=name)) for name in networks
    }
    return {name: area.of(frame_picture(result), scale) for name, result in results.items()}


def comparison_picture(
    frame: vs.VideoNode, area: CropArea, scale: int, networks: Sequence[str]
) -> Image.Image:
    """Lay out what `upscaled_pictures` gives, in about as many rows as columns.

    Samples are repeated to enlarge small areas.
    """
    pictures = upscaled_pictures(frame, area, scale, networks)
    shown = [(name, enlarged(picture, _SIDE)) for name, picture in pictures.items()]
    columns = math.ceil(math.sqrt(len(shown)))
    return side_by_side([dict(shown[start : start + columns]) for start in range(0, len(shown), columns)])
