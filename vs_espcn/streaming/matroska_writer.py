"""Raw video in Matroska, which, unlike y4m, stores a time for every frame.

It writes as much of the container (RFC 9559) as a pipe into ffmpeg needs: a
segment of unknown length, one track of uncompressed video, a cluster per frame.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from fractions import Fraction
from typing import Any

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.streaming.frame_output import check_constant, frames_in_order, packed

TICK = Fraction(1, 1_000_000)
"""Frame times are rounded to microseconds."""

_NANOSECONDS_PER_TICK = 1000

_EBML, _DOC_TYPE, _DOC_TYPE_VERSION, _DOC_TYPE_READ_VERSION = 0x1A45DFA3, 0x4282, 0x4287, 0x4285
_SEGMENT, _INFO, _TIMESTAMP_SCALE = 0x18538067, 0x1549A966, 0x2AD7B1
_TRACKS, _TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID = 0x1654AE6B, 0xAE, 0xD7, 0x73C5
_TRACK_TYPE, _CODEC_ID, _VIDEO = 0x83, 0x86, 0xE0
_PIXEL_WIDTH, _PIXEL_HEIGHT, _DISPLAY_WIDTH, _DISPLAY_HEIGHT = 0xB0, 0xBA, 0x54B0, 0x54BA
_COLOUR_SPACE, _DEFAULT_DURATION, _LANGUAGE = 0x2EB524, 0x23E383, 0x22B59C
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
_BLOCK_GROUP, _BLOCK, _BLOCK_DURATION = 0xA0, 0xA1, 0x9B

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_BLOCK_HEADER = b"\x81\x00\x00\x80"  # track 1, at the cluster's own time, a key frame

_PLANAR = {"Gray": 0x31, "YUV444P": 0x33, "YUV422P": 0x33, "YUV420P": 0x33}
_SHIFTS = {"Gray": 0, "YUV444P": 0, "YUV422P": 10, "YUV420P": 11}
_DEPTHS = (9, 10, 12, 14, 16)
"""Parts of libavcodec's tags for deep planar formats: Y, planes, subsampling, depth."""

_TAGS: dict[str, bytes] = {
    "Gray8": b"Y800",
    "YUV420P8": b"I420",
    "YUV422P8": b"Y42B",
    "YUV444P8": b"444P",
    **{
        f"{name}{depth}": bytes([0x59, planes, _SHIFTS[name], depth])
        for name, planes in _PLANAR.items()
        for depth in _DEPTHS
    },
}
"""ffmpeg's tags of raw video by VapourSynth's format names; deep samples are little-endian."""

ALPHA_TAGS: dict[str, bytes] = {
    f"{name}{depth}": bytes([0x59, 0x34, _SHIFTS[name], depth])
    for name, depths in {
        "YUV444P": (8, 9, 10, 12, 16),
        "YUV422P": (8, 9, 10, 12, 16),
        "YUV420P": (8, 9, 10, 16),
    }.items()
    for depth in depths
}
"""The same for a plane of alpha after the others."""


def header(clip: vs.VideoNode, props: Mapping[str, Any]) -> bytes:
    """Return everything before the first frame.

    Args:
        clip: Clip of constant format and size.
        props: Properties of its first frame; its sample aspect ratio and an alpha plane count.

    Raises:
        InputError: ffmpeg has no tag for the format, or it varies.
    """
    check_constant(clip)
    tags = ALPHA_TAGS if "_Alpha" in props else _TAGS
    if clip.format.name not in tags:
        raise InputError(
            f"format {clip.format.name} cannot be written as raw video; convert it to GRAY or "
            "YUV 4:2:0, 4:2:2 or 4:4:4 of 8, 9, 10, 12, 14 or 16 bits"
        )
    video = [
        _number(_PIXEL_WIDTH, clip.width),
        _number(_PIXEL_HEIGHT, clip.height),
        _number(_DISPLAY_WIDTH, clip.width * max(props.get("_SARNum", 1), 1)),
        _number(_DISPLAY_HEIGHT, clip.height * max(props.get("_SARDen", 1), 1)),
        _element(_COLOUR_SPACE, tags[clip.format.name]),
    ]
    track = [
        _number(_TRACK_NUMBER, 1),
        _number(_TRACK_UID, 1),
        _number(_TRACK_TYPE, 1),
        _element(_LANGUAGE, b"und"),  # else it would be English
        _element(_CODEC_ID, b"V_UNCOMPRESSED"),
        _element(_VIDEO, b"".join(video)),
    ]
    if clip.fps:
        # The average duration; encoders use it for rate control.
        track.append(_number(_DEFAULT_DURATION, round(10**9 / clip.fps)))
    kind = [
        _element(_DOC_TYPE, b"matroska"),
        _number(_DOC_TYPE_VERSION, 4),
        _number(_DOC_TYPE_READ_VERSION, 2),
    ]
    return b"".join(
        [
            _element(_EBML, b"".join(kind)),
            _id(_SEGMENT) + _UNKNOWN_SIZE,
            _element(_INFO, _number(_TIMESTAMP_SCALE, _NANOSECONDS_PER_TICK)),
            _element(_TRACKS, _element(_TRACK_ENTRY, b"".join(track))),
        ]
    )


def frame_buffers(
    clip: vs.VideoNode, times: Sequence[Fraction], end: Fraction
) -> Generator[list[memoryview]]:
    """Yield a whole clip as raw video in Matroska, frame by frame.

    Args:
        clip: Clip of constant format and size.
        times: When each frame is shown, in seconds from 0 on.
        end: When the last frame ends.

    Yields:
        The buffers of each frame, the header before the first; valid until the next.

    Raises:
        InputError: The clip cannot be carried; nothing has been yielded then.
        vs.Error: A frame could not be made.
    """
    with closing(frames_in_order(clip)) as frames:
        for number, (frame, time) in enumerate(zip(frames, times, strict=True)):
            start = b"" if number else header(clip, frame.props)
            planes = [packed(plane) for plane in frame]
            if "_Alpha" in frame.props:
                planes += [packed(plane) for plane in frame.props["_Alpha"]]
            duration = end - time if number == len(times) - 1 else None
            start += _cluster_start(time, sum(map(len, planes)), duration)
            yield [memoryview(start), *planes]


def _cluster_start(time: Fraction, size: int, duration: Fraction | None) -> bytes:
    """Return the bytes before a frame of `size` bytes; without a duration, the next frame's time ends it."""
    timestamp = _number(_TIMESTAMP, round(time / TICK))
    length = _size(len(_BLOCK_HEADER) + size)
    if duration is None:
        block = _id(_SIMPLE_BLOCK) + length + _BLOCK_HEADER
    else:
        said = _number(_BLOCK_DURATION, round(duration / TICK))
        block = said + _id(_BLOCK) + length + _BLOCK_HEADER[:3] + b"\0"
        block = _id(_BLOCK_GROUP) + _size(len(block) + size) + block
    return _id(_CLUSTER) + _size(len(timestamp) + len(block) + size) + timestamp + block


def _element(identifier: int, content: bytes) -> bytes:
    return _id(identifier) + _size(len(content)) + content


def _number(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


def _id(identifier: int) -> bytes:
    """Encode an identifier, which contains its own length marker."""
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def _size(value: int) -> bytes:
    """Encode a length in its longest form: one byte of marker, seven of value."""
    return b"\x01" + value.to_bytes(7, "big")
