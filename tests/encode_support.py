"""Encoding as the tests do it: a source doubled in size without a network."""

from collections.abc import Callable
from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import EncodePlan, plan_encode
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.segments import encode_in_segments
from vs_espcn.encoding.source import open_source
from vs_espcn.encoding.trim import trim

FAST = ("-preset", "ultrafast")

Process = Callable[[vs.VideoNode], vs.VideoNode]


def double(clip: vs.VideoNode) -> vs.VideoNode:
    return vs.core.resize.Point(clip, width=2 * clip.width, height=2 * clip.height)


def upscale(
    source: Path, output: Path, *args: str, process: Process = double, overwrite: bool = False
) -> list[str]:
    """Encode a processed source; return the notes."""
    destination = check_output(source, output, overwrite=overwrite)
    opened = open_source(source, turn_upright=not destination.keeps_rotation)
    encode_plan = plan_encode(process(opened.clip), destination, opened, ffmpeg_args=args)
    encode(encode_plan)
    assert output.exists()
    return list(encode_plan.notes)


def planned(film: Path, output: Path, *args: str, frames: range | None = None) -> EncodePlan:
    """Plan an encode of a film, or of a part of it."""
    source = open_source(film)
    source = trim(source, frames) if frames else source
    clip = vs.core.resize.Point(source.clip, width=128, height=96)
    return plan_encode(clip, check_output(film, output), source, ffmpeg_args=args)


def in_segments(encode_plan: EncodePlan, length: int = 20) -> None:
    encode_in_segments(encode_plan, settings={}, length=length)
