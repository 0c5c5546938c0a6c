"""Dynamic HDR metadata, Dolby Vision and HDR10+, which no encoder here is given: refused or noted."""

import re
from collections.abc import Mapping
from typing import Any

from vs_espcn.encoding.media_info import StreamInfo
from vs_espcn.errors import InputError

_CONFIGURATION = re.compile(r"DOVI configuration record: .*profile: (\d+).*compatibility id: (\d+)")
_PREFIX = 25
_NO_BASE = {(5, 0), (10, 0), (20, 0)}
"""Profiles and compatibility ids whose picture alone, without the metadata, has wrong colours."""


def check_dolby_vision(stream: StreamInfo | None, props: Mapping[str, Any]) -> None:
    """Refuse Dolby Vision whose picture is not one that can be shown without its metadata.

    Args:
        stream: What the container says of the video.
        props: Properties of the first frame, as BestSource names them.

    Raises:
        InputError: It is profile 5, or a later one like it.
    """
    profile = _profile(stream, props)
    if profile is not None:
        raise InputError(
            f"the video is Dolby Vision of profile {profile}: without its metadata, which players apply, its "
            "colours are wrong; convert it to HDR10 first, for example with ffmpeg's filter libplacebo"
        )


def dynamic_hdr_notes(stream: StreamInfo | None, props: Mapping[str, Any]) -> list[str]:
    """One line for each kind of dynamic metadata that is left out."""
    notes = []
    if "DolbyVisionRPU" in props or (stream and any(map(_CONFIGURATION.search, stream.side_data))):
        notes.append(
            "Dolby Vision metadata is left out; the picture that players without it show is upscaled"
        )
    if "HDR10Plus" in props:
        notes.append("HDR10+ metadata is left out, since encoders here cannot be given it")
    return notes


def _profile(stream: StreamInfo | None, props: Mapping[str, Any]) -> int | None:
    """The profile, if it is one without a base; from the container, or from a frame's metadata."""
    for found in filter(None, map(_CONFIGURATION.search, stream.side_data if stream else ())):
        profile, compatibility = int(found[1]), int(found[2])
        return profile if (profile, compatibility) in _NO_BASE else None
    metadata = props.get("DolbyVisionRPU", b"")
    # Reshaping to IPT is the metadata's own profile 0: after 8 bits of prefix, 6 of type and 11 of format.
    if len(metadata) > 3 and metadata[0] == _PREFIX and int.from_bytes(metadata[:4], "big") >> 3 & 15 == 0:
        return 5
    return None
