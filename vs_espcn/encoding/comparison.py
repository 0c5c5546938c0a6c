"""Parts of frames by networks and by bicubic, enlarged alike."""

import math
from collections.abc import Iterable, Mapping, Sequence

import vapoursynth as vs
from PIL import Image

from vs_espcn.encoding.side_by_side import CropArea, enlarged, frame_picture, side_by_side
from vs_espcn.errors import InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.networks import registry
from vs_espcn.networks.quality import quality_of

_SIDE = 640  # about how large an area is shown, if it is smaller
BICUBIC = "bicubic"
"""The name of the resizer among the methods."""

_BICUBIC = {"filter_param_a": 0.0, "filter_param_b": 0.5}  # that of docs/measurements/quality.md


def default_crop(width: int, height: int, *, is_page: bool) -> str:
    """Return the area that is shown unless told: the middle, larger in a page than in a picture."""
    widest, highest = (960, 540) if is_page else (160, 120)
    return f"{min(width, widest)}x{min(height, highest)}"


def frame_of(clip: vs.VideoNode, number: int) -> vs.VideoNode:
    """One frame as a clip.

    Raises:
        InputError: The clip has no such frame.
    """
    if not 0 <= number < clip.num_frames:
        raise InputError(f"frame {number} is not in the video; it has frames 0 to {clip.num_frames - 1}")
    return clip[number]


def networks_of(scale: int) -> list[str]:
    """The shipped networks of a scale, the best on compressed video last; no int8 forms, which look the same.

    Raises:
        InputError: There is none.
    """
    specs = [spec for spec in registry.shipped() if not spec.is_int8]
    of_scale = [spec for spec in specs if spec.scale == scale]
    if not of_scale:
        scales = sorted({spec.scale for spec in specs})
        raise InputError(f"scale {scale} has no network; choose one of {', '.join(map(str, scales))}")
    return [spec.network for spec in sorted(of_scale, key=_psnr_on_video)]


def _psnr_on_video(spec: registry.ModelSpec) -> float:
    quality = quality_of(spec)
    return quality.video if quality else 0.0


def reduced(original: vs.VideoNode, scale: int) -> vs.VideoNode:
    """Reduce a clip by bicubic, after cropping it to whole samples of every plane of the result.

    Raises:
        InputError: The clip is too small.
    """
    steps = (scale << original.format.subsampling_w, scale << original.format.subsampling_h)
    width, height = (
        side // step * step for side, step in zip((original.width, original.height), steps, strict=True)
    )
    if not width or not height:
        raise InputError(f"the picture is {original.width}x{original.height}; x{scale} needs a larger one")
    cropped = vs.core.std.CropAbs(original, width, height)
    return vs.core.resize.Bicubic(cropped, width=width // scale, height=height // scale, **_BICUBIC)


def upscaled_pictures(
    frame: vs.VideoNode, area: CropArea, scale: int, methods: Sequence[str]
) -> dict[str, Image.Image]:
    """Upscale part of a frame.

    Args:
        frame: A clip of one frame.
        area: What is shown of it.
        scale: A scale that the networks have.
        methods: `BICUBIC`, names of shipped networks, and paths of ONNX files.

    Returns:
        RGB pictures by method, `scale` times as large as `area`.

    Raises:
        vs.Error: As from `vs_espcn.upscale`.
        EncodeError: The frame could not be made.
    """
    return {method: area.of(frame_picture(_upscaled(frame, scale, method)), scale) for method in methods}


def _upscaled(frame: vs.VideoNode, scale: int, method: str) -> vs.VideoNode:
    if method != BICUBIC:
        return upscale_with(frame, UpscaleOptions(scale=scale, network=method))
    return vs.core.resize.Bicubic(frame, width=frame.width * scale, height=frame.height * scale, **_BICUBIC)


def comparison_picture(frames: Iterable[tuple[str, Mapping[str, Image.Image]]]) -> Image.Image:
    """Lay out pictures of frames, each frame in about as many rows as columns.

    Samples are repeated to enlarge small pictures.

    Args:
        frames: At least one: its label, which stands before the names if
            there are several, and at least one RGB picture by name.
    """
    rows: list[dict[str, Image.Image]] = []
    labelled = list(frames)
    for label, pictures in labelled:
        shown = [
            (f"{label}: {name}" if len(labelled) > 1 else name, enlarged(picture, _SIDE))
            for name, picture in pictures.items()
        ]
        columns = math.ceil(math.sqrt(len(shown)))
        rows += [dict(shown[start : start + columns]) for start in range(0, len(shown), columns)]
    return side_by_side(rows)
