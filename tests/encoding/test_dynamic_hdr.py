"""Dolby Vision and HDR10+, as a few bytes in a stream or as what ffmpeg says of it."""

import re
from pathlib import Path

import pytest

from tests.encode_support import FAST, upscale
from tests.media import ffmpeg, pattern
from vs_espcn.encoding.dynamic_hdr import check_dolby_vision, dynamic_hdr_notes
from vs_espcn.encoding.media_info import streams_in
from vs_espcn.errors import InputError

HDR10_PLUS = "b5003c0001040140001f4000c800640032000c800000"
"""A message of ITU-T T.35: one window, no percentiles."""


def listed(profile: int, compatibility: int) -> str:
    """What ffmpeg prints of a stream with a configuration record."""
    record = f"version: 1.0, profile: {profile}, level: 6, rpu flag: 1, el flag: 0, bl flag: 1"
    return (
        "  Stream #0:0[0x1](und): Video: hevc (Main 10), yuv420p10le(tv), 3840x2160, 24 fps\n"
        "    Side data:\n"
        f"      DOVI configuration record: {record}, compatibility id: {compatibility}\n"
    )


def metadata(mapping_profile: int) -> bytes:
    """The beginning of a frame's metadata."""
    return ((25 << 24) | (2 << 18) | (18 << 7) | (mapping_profile << 3)).to_bytes(4, "big") + b"\x10"


@pytest.mark.parametrize(("profile", "compatibility"), [(5, 0), (10, 0)])
def test_profiles_without_a_base_are_refused(profile: int, compatibility: int) -> None:
    with pytest.raises(InputError, match=rf"Dolby Vision of profile {profile}: .*colours are wrong; convert"):
        check_dolby_vision(streams_in(listed(profile, compatibility))[0], {})


@pytest.mark.parametrize(("profile", "compatibility"), [(7, 6), (8, 1), (8, 4), (9, 2), (10, 1)])
def test_profiles_with_a_base_get_a_note(profile: int, compatibility: int) -> None:
    stream = streams_in(listed(profile, compatibility))[0]
    check_dolby_vision(stream, {"DolbyVisionRPU": metadata(1)})
    [note] = dynamic_hdr_notes(stream, {})
    assert note.startswith("Dolby Vision metadata is left out")


def test_a_bare_stream_is_known_by_its_frames() -> None:
    with pytest.raises(InputError, match="profile 5"):
        check_dolby_vision(None, {"DolbyVisionRPU": metadata(0)})
    check_dolby_vision(None, {"DolbyVisionRPU": metadata(1)})


def test_hdr10_plus_gets_a_note(tmp_path: Path) -> None:
    options = ("-c:v", "libx265", "-bf", "0", "-x265-params", "log-level=error", "-f", "hevc")
    plain = ffmpeg(*pattern(3, "128x96"), "-pix_fmt", "yuv420p10le", *options, "-")
    message = bytes.fromhex(HDR10_PLUS)
    # Not more than two zeros in a row: a byte of 3 between them, as the format has it.
    body = re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", bytes([4, len(message)]) + message) + b"\x80"
    units = re.split(rb"\x00\x00\x00?\x01", plain)[1:]
    film = tmp_path / "in.hevc"
    film.write_bytes(
        b"".join(
            (b"\0\0\0\1" + bytes([39 << 1, 1]) + body if unit[0] >> 1 < 32 else b"") + b"\0\0\0\1" + unit
            for unit in units
        )
    )
    notes = upscale(film, tmp_path / "out.mkv", "-c:v", "libx265", *FAST)
    assert notes == ["HDR10+ metadata is left out, since encoders here cannot be given it"]
