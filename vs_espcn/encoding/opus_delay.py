"""The priming of Opus in Matroska, of which ffmpeg before 6.0 has the sound too early.

A decoder drops the first samples of Opus, the pre-skip. Matroska names them as
a delay, by which players show all of the track's times earlier. Those versions
name it and don't make the times later.
"""

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from vs_espcn.encoding.containers import Container, StreamMapping
from vs_espcn.encoding.ffmpeg import Ffmpeg

_RIGHT_SINCE = (6, 0)

_LIBOPUS_PRE_SKIP = 312
"""Samples at 48 kHz that libopus puts before the sound."""

_HEADER = b"OpusHead"


def opus_delay_options(
    ffmpeg: Ffmpeg, path: Path, container: Container, streams: StreamMapping
) -> Sequence[str]:
    """Output options that have copied and re-encoded Opus begin when it did.

    Args:
        ffmpeg: The ffmpeg that writes the file.
        path: The source.
        container: The output's container.
        streams: What becomes of the source's streams.
    """
    if ffmpeg.version >= _RIGHT_SINCE or container.muxer not in {"matroska", "webm"}:
        return ()
    options: list[str] = []
    for number, track in enumerate(streams.sound):
        is_copy = track.codec in container.audio
        if is_copy and track.codec == "opus":
            samples = _pre_skip(ffmpeg, path, track.index)
        elif not is_copy and container.audio_encoder[0] == "libopus":
            samples = _LIBOPUS_PRE_SKIP
        else:
            continue
        # The times that the filter sees tick in milliseconds there, whatever time base it is told.
        milliseconds = float(Fraction(samples, 48))
        options += [f"-bsf:a:{number}", f"setts=ts=TS+{milliseconds:g}"]
    return options


def _pre_skip(ffmpeg: Ffmpeg, path: Path, track: int) -> int:
    """Samples at 48 kHz that a track's decoder drops, from its header as Ogg has it."""
    command = [ffmpeg.path, "-hide_banner", "-nostdin", "-loglevel", "error", "-i", f"file:{path}"]
    command += ["-map", f"0:{track}", "-c", "copy", "-frames:a", "1", "-f", "ogg", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    _, header, rest = done.stdout.partition(_HEADER)
    # Version and number of channels, one byte each, and the pre-skip.
    return int.from_bytes(rest[2:4], "little") if header else 0
