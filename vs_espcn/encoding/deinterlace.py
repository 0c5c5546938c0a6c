"""Interlaced sources: pictures out of fields, by bwdif."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import vapoursynth as vs

from vs_espcn.encoding.interlacing import is_interlaced
from vs_espcn.encoding.source import ClipSource
from vs_espcn.errors import InputError

FieldRate = Literal["frame", "field"]
"""A picture out of each frame, or out of each of its two fields."""


def deinterlace(source: ClipSource, rate: FieldRate) -> ClipSource:
    """Make pictures of the source's fields; frames that are progressive stay as they are.

    Args:
        source: An interlaced source, whole: a picture takes something of its neighbours.
        rate: ``"field"`` doubles the number of frames and their rate.

    Raises:
        InputError: The source is progressive, or bwdif cannot be used.
    """
    if not is_interlaced(source):
        raise InputError(f"INPUT {str(source.path)!r} is progressive; leave out --deinterlace")
    if not hasattr(vs.core, "bwdif"):
        raise InputError(
            "--deinterlace needs VapourSynth's plugin bwdif; install it with `pip install vapoursynth-bwdif`"
        )
    clip = source.clip
    try:
        # The order of the fields is that of each frame's property; the number says the rate.
        pictures = vs.core.bwdif.Bwdif(clip, field=3 if rate == "field" else 1)
    except vs.Error as error:
        raise InputError(f"INPUT {str(source.path)!r} cannot be deinterlaced: {error}") from None
    as_it_is = vs.core.std.Interleave([clip, clip], modify_duration=True) if rate == "field" else clip

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # noqa: ARG001 - VapourSynth's names
        return pictures if f.props.get("_FieldBased", 0) else as_it_is

    chosen = vs.core.std.FrameEval(pictures, choose, prop_src=as_it_is, clip_src=[pictures, as_it_is])
    times = source.times
    if times and rate == "field":
        assert source.ends is not None
        times = _of_fields(times, source.ends)
    return replace(source, clip=chosen, times=times)


def _of_fields(times: Sequence[Fraction], ends: Fraction) -> tuple[Fraction, ...]:
    """A time for each field: the second is shown half-way to the next frame."""
    gaps = [after - time for time, after in pairwise([*times, ends])]
    return tuple(time + gap / 2 * half for time, gap in zip(times, gaps, strict=True) for half in (0, 1))
