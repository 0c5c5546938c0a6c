"""The kind of a source, from its codec: lossless and intermediate codecs are clean, others are not."""

import re
import subprocess

import vapoursynth as vs

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.source import ClipSource

_LOSSLESS = frozenset(
    {"bmp", "cfhd", "dpx", "ffv1", "ffvhuff", "huffyuv", "lagarith", "magicyuv", "png", "qtrle", "r10k"}
    | {
        "r210",
        "rawvideo",
        "sheervideo",
        "tiff",
        "tscc",
        "utvideo",
        "v210",
        "v308",
        "v408",
        "v410",
        "vble",
        "zmbv",
    }
)
"""libavcodec's names of codecs that lose nothing, or, as CineForm, nothing that can be seen."""

_DNXHR = re.compile(rb"Video: dnxhd \(DNXHR", re.IGNORECASE)
_LOSSLESS_SETTINGS = {
    "h264": re.compile(rb"x264 - core [^\0]*? (?:rc=cqp [^\0]*?qp=0\b|rc=crf [^\0]*?crf=0\.0)"),
    "hevc": re.compile(rb"x265 \(build [^\0]*? (?:lossless\b|crf=0\.0)"),
}
"""What the encoders write of their settings before the first picture."""


def lossless_codec(source: ClipSource) -> str | None:
    """Return the name of the source's codec if it kept the picture, else None.

    Lossless codecs do, as do intermediates at the top of their range: ProRes
    4444, DNxHR, CineForm; and H.264 or HEVC that x264 or x265 made at crf 0,
    qp 0 or ``lossless``.
    """
    codec = source.track.codec
    if codec in _LOSSLESS:
        return codec
    if codec == "prores":  # 4444 alone has no subsampling
        video = source.clip.format
        is_4444 = video.color_family == vs.YUV and not video.subsampling_w
        return "prores 4444" if is_4444 else None
    if codec == "dnxhd":
        return "dnxhr" if _DNXHR.search(_ffmpeg("-i", f"file:{source.path}").stderr) else None
    if codec in _LOSSLESS_SETTINGS and _LOSSLESS_SETTINGS[codec].search(_first_packet(source)):
        return f"{codec} without loss"
    return None


def _first_packet(source: ClipSource) -> bytes:
    """The headers and the first picture as they are coded, with start codes."""
    picture = ("-map", f"0:{source.track.index}", "-c", "copy", "-frames:v", "1")
    return _ffmpeg("-i", f"file:{source.path}", *picture, "-f", source.track.codec, "pipe:1").stdout


def _ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [find_ffmpeg().path, "-hide_banner", "-nostdin", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
