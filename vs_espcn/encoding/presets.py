"""Encoder presets, the values of ``--preset``.

They aim at a picture that is visually close to the filter's. The user's options
come after a preset's and override them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError

_HDR = frozenset({vs.TRANSFER_ST2084, vs.TRANSFER_ARIB_B67})
"""PQ and HLG."""

_SAMPLING = {(1, 1): "420", (1, 0): "422", (0, 0): "444"}

_EVERYWHERE = (".mp4", ".m4v", ".mov", ".mkv")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One row of the table.

    Attributes:
        args: The encoder and its options, for ffmpeg.
        suffixes: Containers that hold it.
        mp4_tag: The codec's tag in MP4 and MOV, if players need another than ffmpeg's default.
    """

    args: tuple[str, ...]
    suffixes: tuple[str, ...]
    mp4_tag: str | None = None


PRESETS: dict[str, Preset] = {
    "x264": Preset(
        args=("-c:v", "libx264", "-preset", "medium", "-crf", "18"),
        suffixes=(*_EVERYWHERE, ".ts"),
    ),
    "x265": Preset(
        args=("-c:v", "libx265", "-preset", "medium", "-crf", "20"),
        suffixes=(*_EVERYWHERE, ".ts"),
        mp4_tag="hvc1",
    ),
    "svtav1": Preset(
        args=("-c:v", "libsvtav1", "-preset", "6", "-crf", "26", "-pix_fmt", "yuv420p10le"),
        suffixes=(".mp4", ".m4v", ".mkv", ".webm"),
    ),
    "prores": Preset(
        args=("-c:v", "prores_ks", "-vendor", "apl0"),
        suffixes=(".mov", ".mkv"),
    ),
    "ffv1": Preset(
        args=("-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1"),
        suffixes=(".mkv", ".mov"),
    ),
    "nvenc": Preset(
        args=("-c:v", "hevc_nvenc", "-preset", "p5", "-tune", "hq", "-rc", "vbr", "-cq", "21", "-b:v", "0"),
        suffixes=(*_EVERYWHERE, ".ts"),
        mp4_tag="hvc1",
    ),
}
"""Presets by name."""


def preset_args(name: str, suffix: str) -> tuple[str, ...]:
    """Return a preset's options for ffmpeg.

    Args:
        name: A key of `PRESETS`.
        suffix: The output's suffix.

    Raises:
        InputError: There is no such preset, or the container doesn't hold it.
    """
    if name not in PRESETS:
        raise InputError(f"preset {name!r} is not known; choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    suffix = suffix.lower()
    if suffix not in preset.suffixes:
        raise InputError(
            f"preset {name!r} does not go into {suffix}; give OUTPUT one of {', '.join(preset.suffixes)}"
        )
    tag = preset.mp4_tag if suffix in (".mp4", ".m4v", ".mov") else None
    return (*preset.args, *(("-tag:v", tag) if tag else ()))


def default_args(
    of_container: tuple[str, ...], suffix: str, video: vs.VideoFormat, props: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the options of the encoder that is taken where the user chose none.

    Hardly any device decodes H.264 of 10 bits, and HDR needs 10: HEVC takes
    its place there.

    Args:
        of_container: The container's default encoder and its options.
        suffix: The output's suffix.
        video: The clip's format.
        props: Properties of its first frame.
    """
    is_deep = video.bits_per_sample > 8 or props.get("_Transfer") in _HDR
    if not is_deep or "libx264" not in of_container:
        return of_container
    is_gray = video.color_family == vs.GRAY
    sampling = _SAMPLING.get((video.subsampling_w, video.subsampling_h), "420")
    pixels = "gray10le" if is_gray else f"yuv{sampling}p10le"
    return (*preset_args("x265", suffix), "-pix_fmt", pixels)
