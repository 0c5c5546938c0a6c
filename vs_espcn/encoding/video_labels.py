"""What a film's video track is labelled with: tags, dispositions, stereoscopy, timecode."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vs_espcn.encoding.containers import Container
from vs_espcn.encoding.ffmpeg import Probe
from vs_espcn.encoding.source import ClipSource
from vs_espcn.encoding.timecode import advanced
from vs_espcn.errors import InputError

_DISPOSITIONS = frozenset(
    {"default", "dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing_impaired"}
    | {"visual_impaired", "clean_effects", "captions", "descriptions", "metadata"}
)
"""Those that every ffmpeg knows."""

_OF_THE_ENCODE = re.compile(
    r"(encoder|duration|bps|number_of_(frames|bytes)|_statistics_.*|vendor_id|alpha_mode|rotate|timecode"
    r"|stereo_mode|name|variant_bitrate)(-\w{2,3})?",
    re.IGNORECASE,
)
"""Tags that describe the source's coded stream, and those that need more than being copied."""

_MODES = {
    "side by side": "left_right",
    "side by side (inverted)": "right_left",
    "top and bottom": "top_bottom",
    "top and bottom (inverted)": "bottom_top",
    "frame alternate": "block_lr",
    "frame alternate (inverted)": "block_rl",
    "interleaved lines": "row_interleaved_lr",
    "interleaved columns": "col_interleaved_lr",
    "checkerboard": "checkerboard_lr",
}
"""ffmpeg's name of an arrangement of two views → Matroska's."""

_STEREO = re.compile(r"(?:Stereo 3D|stereo3d|stereoscopic information): (?:type - )?([a-z ]+[a-z])(.*)")

_WEBM_MODES = frozenset({"mono", "left_right", "right_left", "top_bottom", "bottom_top"})

_FRAME_PACKING = {"left_right": 3, "top_bottom": 4}
"""Matroska's name → that of H.264's message, which has the left view first."""


@dataclass(frozen=True, kw_only=True)
class TrackLabels:
    """How the output's video is labelled.

    Attributes:
        options: ffmpeg's output options.
        parameters: What the encoder writes into the video itself, each as ``name=value``.
        notes: One line for each label that isn't kept.
    """

    options: tuple[str, ...]
    parameters: tuple[str, ...]
    notes: tuple[str, ...]


def label_video(source: ClipSource, container: Container, suffix: str, encoder: str) -> TrackLabels:
    """Carry over what the source's video is labelled with.

    Args:
        source: The source.
        container: The output's container.
        suffix: The output's suffix, named in notes.
        encoder: ffmpeg's name of the encoder.

    Raises:
        InputError: It is 3D of a kind that upscaling spoils.
    """
    known = source.known
    options, parameters, notes = _tag_options(known.tags), [], []
    if kept := [name for name in source.track.dispositions if name in _DISPOSITIONS]:
        options += ["-disposition:v:0", "+".join(kept)]
    if mode := _stereo_mode(known, source.track.index):
        tag, parameter = _stereo_tag(mode, container.muxer), _frame_packing(mode, encoder)
        options += tag or []
        if not tag and parameter:
            parameters.append(parameter)
        elif not tag:
            notes.append(f"the mark that the video is 3D ({mode}) is left out, since {suffix} cannot hold it")
    if known.timecode and container.timecode:
        options += [
            "-timecode",
            advanced(known.timecode, round(source.skipped * source.clip.fps), source.clip.fps),
        ]
    elif known.timecode:
        notes.append(f"timecode {known.timecode} is left out, since {suffix} cannot hold it")
    return TrackLabels(
        options=tuple(options),
        parameters=tuple(parameters),
        notes=(*notes, *_frame_data_notes(known, source.track.index)),
    )


def _tag_options(tags: Mapping[str, str]) -> list[str]:
    """Options of the output that give its video the tags of the source's."""
    kept = {
        name: value
        for name, value in tags.items()
        if value and "=" not in name and not _OF_THE_ENCODE.fullmatch(name)
    }
    # The title of a track in MP4 and MOV.
    if "name" in tags and not any(name.lower() == "title" for name in kept):
        kept["title"] = tags["name"]
    return [word for name, value in kept.items() for word in ("-metadata:s:v:0", f"{name}={value}")]


def _frame_data_notes(known: Probe, track: int) -> list[str]:
    """One line for each thing that only the coded video holds."""
    stream = known.streams.get(track)
    notes = []
    if (stream and stream.has_captions) or any("losed captions" in data.lower() for data in known.frame_data):
        notes.append("closed captions inside the video are left out, since they end with its coded frames")
    if stream and any(data.lower().startswith("spherical") for data in stream.side_data):
        notes.append("the mark that the video is spherical (360°) is left out, since ffmpeg cannot write it")
    return notes


def _stereo_mode(known: Probe, track: int) -> str | None:
    """How a 3D film's frames hold two views, in Matroska's words; None if they don't."""
    stream = known.streams.get(track)
    if stream and (mode := stream.tag("stereo_mode")):
        return mode if mode != "mono" else None
    described = (*(stream.side_data if stream else ()), *known.frame_data)
    for found in filter(None, map(_STEREO.match, described)):
        inverted = " (inverted)" if "inverted" in found[2] else ""
        return _MODES.get(found[1] + inverted) or _MODES.get(found[1])
    return None


def _stereo_tag(mode: str, muxer: str) -> list[str] | None:
    """Options of the output that name it; None if its container cannot.

    Raises:
        InputError: Upscaling would mix the two views.
    """
    if "interleaved" in mode or "checkerboard" in mode:
        raise InputError(
            f"the video is 3D with its views interleaved by samples ({mode}), which upscaling would mix; put "
            "them side by side first, for example with ffmpeg's filter stereo3d"
        )
    if muxer == "matroska" or (muxer == "webm" and mode in _WEBM_MODES):
        return ["-metadata:s:v:0", f"stereo_mode={mode}"]
    return None


def _frame_packing(mode: str, encoder: str) -> str | None:
    """The parameter that has an encoder say so in the video itself; None if it has none."""
    number = _FRAME_PACKING.get(mode)
    return f"frame-packing={number}" if encoder == "libx264" and number is not None else None
