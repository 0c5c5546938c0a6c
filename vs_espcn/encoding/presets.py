"""Encoder presets, one row each: what ``--preset`` stands for.

The rows aim at a picture that can hardly be told from the filter's. Options of
the user come after a preset's and win over it.
"""

from dataclasses import dataclass

from vs_espcn.errors import InputError

_EVERYWHERE = (".mp4", ".m4v", ".mov", ".mkv")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One row of the table.

    Attributes:
        args: The encoder and its options, for ffmpeg.
        suffixes: Of the containers that hold it.
        mp4_tag: The codec's tag in MP4 and MOV, where players want another than ffmpeg's own.
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
    """The options for ffmpeg that a preset stands for.

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
