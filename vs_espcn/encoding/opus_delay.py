"""The priming of Opus in Matroska, of which ffmpeg before 6.0 has the sound too early.

A decoder drops the first samples of Opus, the pre-skip. Matroska names them as
a delay, by which players show all of the track's times earlier. Those versions
name it and don't make the times later.
"""

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from vs_espcn.encoding.containers import StreamMapping
from vs_espcn.encoding.ffmpeg import Ffmpeg

_RIGHT_SINCE = (6, 0)

_PRE_SKIPS = {"libopus": 312, "opus": 120}
"""Samples at 48 kHz that an encoder puts before the sound."""

_HEADER = b"OpusHead"


def opus_delays(
    ffmpeg: Ffmpeg, path: Path, muxer: str, streams: StreamMapping, user: Sequence[str]
) -> list[int]:
    """Milliseconds by which each sound has to be later than ffmpeg writes it.

    Args:
        ffmpeg: The ffmpeg that writes the file.
        path: The source.
        muxer: The output's muxer.
        streams: What becomes of the source's streams.
        user: Options of the user, which may choose other encoders.
    """
    if ffmpeg.version >= _RIGHT_SINCE or muxer not in {"matroska", "webm"}:
        return [0] * len(streams.sound)
    delays = []
    for number, track in enumerate(streams.sound):
        encoder = _encoder(number, [*streams.args, *user])
        is_copy = encoder == "copy" and track.codec == "opus"
        samples = _pre_skip(ffmpeg, path, track.index) if is_copy else _PRE_SKIPS.get(encoder, 0)
        delays.append((samples + 24) // 48)
    return delays


def _encoder(number: int, args: Sequence[str]) -> str:
    """Ffmpeg's name of what encodes a sound: the last that is chosen for it."""
    names = {f"-{name}{which}" for name in ("c", "codec") for which in ("", ":a", f":a:{number}")}
    return [value for option, value in pairwise(args) if option in names | {"-acodec"}][-1]


def _pre_skip(ffmpeg: Ffmpeg, path: Path, track: int) -> int:
    """Samples at 48 kHz that a track's decoder drops, from its header as Ogg has it."""
    command = [ffmpeg.path, "-hide_banner", "-nostdin", "-loglevel", "error", "-i", f"file:{path}"]
    command += ["-map", f"0:{track}", "-c", "copy", "-frames:a", "1", "-f", "ogg", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    _, header, rest = done.stdout.partition(_HEADER)
    # Version and number of channels, one byte each, and the pre-skip.
    return int.from_bytes(rest[2:4], "little") if header else 0
