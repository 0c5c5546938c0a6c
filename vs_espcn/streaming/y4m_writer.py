"""Writer of YUV4MPEG2, the pipe format that every encoder reads.

A stream is one header line and, for each frame, the line ``FRAME`` and the
planes without padding. VapourSynth's own writer, ``clip.output(file, y4m=True)``,
writes neither siting, range nor sample aspect ratio, so that ffmpeg reads
left-sited 4:2:0 as centred.
"""

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any, Literal

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.frame_properties import is_full_range
from vs_espcn.streaming.frame_output import check_constant, check_frame_rate, frames_in_order, packed

_DEPTHS = (9, 10, 12, 14, 16)

COLOUR_SPACES: dict[int, str] = {
    vs.GRAY8: "mono",
    vs.YUV411P8: "411",
    vs.YUV420P8: "420",
    vs.YUV422P8: "422",
    vs.YUV444P8: "444",
    **{getattr(vs, f"GRAY{bits}"): f"mono{bits}" for bits in _DEPTHS},
    **{getattr(vs, f"YUV{name}P{bits}"): f"{name}p{bits}" for name in (420, 422, 444) for bits in _DEPTHS},
}
"""y4m's names, as ffmpeg reads them, by VapourSynth's format. Deep samples are little-endian."""

SITED_420: dict[int, str] = {
    vs.CHROMA_LEFT: "420mpeg2",
    vs.CHROMA_CENTER: "420jpeg",
    vs.CHROMA_TOP_LEFT: "420paldv",
}
"""8-bit 4:2:0 by ``_ChromaLocation``. The other three sitings have no name in y4m and are written as left."""

_INTERLACING: dict[int, str] = {
    vs.FIELD_PROGRESSIVE: "p",
    vs.FIELD_TOP: "t",
    vs.FIELD_BOTTOM: "b",
}

_FRAME = memoryview(b"FRAME\n")


def declared_range(props: Mapping[str, Any]) -> Literal["limited", "full"] | None:
    """Return the sample range of a frame's properties; None if they have none."""
    if "_Range" not in props and "_ColorRange" not in props:
        return None
    return "full" if is_full_range(props) else "limited"


def header(clip: vs.VideoNode, props: Mapping[str, Any]) -> bytes:
    """Return the stream's first line.

    Args:
        clip: Clip of constant format, size and frame rate.
        props: Properties of its first frame. Without them it is progressive and
            left-sited, of unknown range and aspect ratio.

    Raises:
        InputError: y4m cannot carry the clip.
    """
    check_constant(clip)
    if clip.format.id not in COLOUR_SPACES:
        raise InputError(
            f"format {clip.format.name} cannot be written as y4m; convert it to GRAY or "
            "YUV 4:2:0, 4:2:2 or 4:4:4 of 8, 9, 10, 12, 14 or 16 bits"
        )
    check_frame_rate(clip)
    space = COLOUR_SPACES[clip.format.id]
    if clip.format.id == vs.YUV420P8:
        space = SITED_420.get(props.get("_ChromaLocation", vs.CHROMA_LEFT), "420mpeg2")
    fields = [
        "YUV4MPEG2",
        f"W{clip.width}",
        f"H{clip.height}",
        f"F{clip.fps.numerator}:{clip.fps.denominator}",
        f"I{_INTERLACING.get(props.get('_FieldBased', vs.FIELD_PROGRESSIVE), '?')}",
        f"A{props.get('_SARNum', 0)}:{props.get('_SARDen', 0)}",
        f"C{space}",
    ]
    if found := declared_range(props):
        fields.append(f"XCOLORRANGE={found.upper()}")
    return " ".join(fields).encode() + b"\n"


def frame_parts(frame: vs.VideoFrame) -> list[memoryview]:
    """Return a frame's line and its planes without padding, valid until the frame is closed."""
    return [_FRAME, *(packed(plane) for plane in frame)]


def frame_buffers(clip: vs.VideoNode) -> Generator[list[memoryview]]:
    """Yield a whole clip as y4m, frame by frame.

    Several frames are in progress while one is written. Planes are the frame's
    own memory; only those with padding between their rows are copied.

    Args:
        clip: Clip of constant format, size and frame rate.

    Yields:
        The buffers of each frame, the header before the first; valid until the next.

    Raises:
        InputError: y4m cannot carry the clip; nothing has been yielded then.
        vs.Error: A frame could not be made.
    """
    with closing(frames_in_order(clip)) as frames:
        for number, frame in enumerate(frames):
            start = [] if number else [memoryview(header(clip, frame.props))]
            yield [*start, *frame_parts(frame)]
