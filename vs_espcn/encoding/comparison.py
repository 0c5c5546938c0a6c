"""Part of one frame by every shipped network and by bicubic, side by side, enlarged alike."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import vapoursynth as vs

from vs_espcn.encoding.preview import as_rgb, captioned
from vs_espcn.errors import InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.networks import registry

_PART = (160, 120)
"""Width and height of the part that is shown unless told, in samples of the source."""

_SIDE = 640  # about how large a part is shown, if it is smaller
_NARROWEST, _LOWEST = 240, 48  # a caption's width and height
_GAP = 8
_BICUBIC = {"filter_param_a": 0.0, "filter_param_b": 0.5}  # that of docs/quality.md


@dataclass(frozen=True, kw_only=True)
class CropArea:
    """Part of a picture, in samples of the source.

    Attributes:
        width: Its width.
        height: Its height.
        x: Of its left edge.
        y: Of its upper edge.
    """

    width: int
    height: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


def part_of_picture(text: str | None, width: int, height: int) -> CropArea:
    """Read ``WxH+X+Y``, or ``WxH`` for the middle.

    Args:
        text: As it was typed; None for a part of usual size in the middle.
        width: Width of the picture.
        height: Height of the picture.

    Raises:
        InputError: `text` is something else, or the part is empty or reaches beyond the picture.
    """
    if text is None:
        text = f"{min(width, _PART[0])}x{min(height, _PART[1])}"
    found = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})(?:\+([0-9]{1,6})\+([0-9]{1,6}))?", text)
    if not found or not int(found[1]) or not int(found[2]):
        raise InputError(
            f"crop {text[:40]!r} is not understood; give WxH or WxH+X+Y in samples, such as 160x120+40+60"
        )
    size = int(found[1]), int(found[2])
    x, y = (
        (int(found[3]), int(found[4]))
        if found[3] is not None
        else ((width - size[0]) // 2, (height - size[1]) // 2)
    )
    if x < 0 or y < 0 or x + size[0] > width or y + size[1] > height:
        raise InputError(f"crop {text!r} reaches beyond the picture, which is {width}x{height}")
    return CropArea(width=size[0], height=size[1], x=x, y=y)


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


def comparison_picture(
    frame: vs.VideoNode, part: CropArea, scale: int, networks: Sequence[str]
) -> vs.VideoNode:
    """One picture of bicubic's result and the networks', each under its name.

    Args:
        frame: A clip of one frame.
        part: What is shown of it.
        scale: A scale that the networks have.
        networks: Names of shipped networks.

    Returns:
        A clip of one frame, RGB24. Samples are repeated to enlarge small parts.

    Raises:
        vs.Error: As from `vs_espcn.upscale`.
    """
    size = {"width": frame.width * scale, "height": frame.height * scale}
    results = {"bicubic": vs.core.resize.Bicubic(frame, **size, **_BICUBIC)} | {
        name: upscale_with(frame, UpscaleOptions(scale=scale, network=name)) for name in networks
    }
    return _grid({name: _shown(result, part, scale) for name, result in results.items()})


def _shown(result: vs.VideoNode, part: CropArea, scale: int) -> vs.VideoNode:
    width, height = part.width * scale, part.height * scale
    shown = vs.core.std.CropAbs(as_rgb(result), width, height, part.x * scale, part.y * scale)
    zoom = max(1, min(round(_SIDE / width), round(_SIDE / height)))
    return vs.core.resize.Point(shown, width=width * zoom, height=height * zoom)


def _grid(pictures: Mapping[str, vs.VideoNode]) -> vs.VideoNode:
    """About as many rows as columns; what is left over at the end is black."""
    tiles = [captioned(_apart(picture), name) for name, picture in pictures.items()]
    columns = math.ceil(math.sqrt(len(tiles)))
    tiles += [vs.core.std.BlankClip(tiles[0])] * (-len(tiles) % columns)
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return vs.core.std.StackVertical([vs.core.std.StackHorizontal(row) for row in rows])


def _apart(picture: vs.VideoNode) -> vs.VideoNode:
    """With a gap on the right, and large enough for a caption."""
    return vs.core.std.AddBorders(
        picture, right=max(_GAP, _NARROWEST - picture.width), bottom=max(0, _LOWEST - picture.height)
    )
