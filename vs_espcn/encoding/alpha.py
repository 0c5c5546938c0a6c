"""Alpha planes of a film: kept where the encoder and the container take them."""

import re
import subprocess
from collections.abc import Sequence
from itertools import pairwise

import vapoursynth as vs

from vs_espcn.encoding.encode_errors import frame_errors
from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.source import ClipSource

_PIXEL_FORMAT_OPTIONS = frozenset({"-pix_fmt", "-pix_fmt:v", "-pix_fmt:v:0"})

_WITH_ALPHA = re.compile(r"yuva\w+|gbrap\w*|rgba\w*|bgra\w*|argb\w*|abgr\w*|ya\d\w*|pal8")

_AS_SIDE_DATA = frozenset({"libvpx", "libvpx-vp9"})
"""Encoders whose alpha is a second stream, which only Matroska and WebM hold."""

_SECOND_LAYER = frozenset({"libx265"})
"""Encoders whose alpha hardly any decoder reads."""


def alpha_options(ffmpeg: Ffmpeg, encoder: str, muxer: str, args: Sequence[str]) -> tuple[str, ...] | None:
    """Options for ffmpeg that an encoder needs for alpha; None if it cannot keep it.

    Args:
        ffmpeg: Knows what the encoder takes.
        encoder: ffmpeg's name of the encoder.
        muxer: The output's.
        args: Options of the user; a pixel format among them decides.
    """
    chosen = [value for option, value in pairwise(args) if option in _PIXEL_FORMAT_OPTIONS]
    if chosen and not _WITH_ALPHA.fullmatch(chosen[-1]):
        return None
    if encoder in _SECOND_LAYER or not any(map(_WITH_ALPHA.fullmatch, _pixel_formats(ffmpeg, encoder))):
        return None
    if encoder not in _AS_SIDE_DATA:
        return ()
    if muxer not in {"matroska", "webm"}:
        return None
    marked = ("-metadata:s:v:0", "alpha_mode=1")
    return (*marked, *(("-auto-alt-ref", "0") if encoder == "libvpx" else ()))


def has_alpha(clip: vs.VideoNode) -> bool:
    """Whether a clip's first frame has an alpha plane."""
    with clip.get_frame(0) as frame:
        return "_Alpha" in frame.props


def has_opaque_palette(source: ClipSource) -> bool:
    """Whether a film's colours come from a palette, as in GIF, none of which lets anything through.

    Frames are decoded until one does; their alpha planes are there whether the palette has alpha or not.

    Raises:
        EncodeError: A frame cannot be decoded.
    """
    info = source.known.streams.get(source.track.index)
    if info is None or not (info.codec == "gif" or ", pal8" in info.text):
        return False
    with frame_errors():
        alpha = vs.core.std.PlaneStats(vs.core.std.PropToClip(source.clip))
        peak = (1 << alpha.format.bits_per_sample) - 1
        return all(frame.props["PlaneStatsMin"] == peak for frame in alpha.frames(close=True))


def _pixel_formats(ffmpeg: Ffmpeg, encoder: str) -> list[str]:
    """Names of the formats that an encoder takes."""
    command = [ffmpeg.path, "-hide_banner", "-h", f"encoder={encoder}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = re.search(r"Supported pixel formats: (.*)", done.stdout.decode(errors="replace"))
    return found[1].split() if found else []
