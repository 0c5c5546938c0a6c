"""What a y4m header says, and what it says of another size. Bad ones are refused in test_y4m_reader."""

import vapoursynth as vs

from tests.media import ffmpeg
from vs_espcn.streaming.y4m_header import parse_header


def header(line: str) -> dict[str, int]:
    return dict(parse_header(f"YUV4MPEG2 W48 H32 {line}".strip().encode()).props)


def test_fields_become_properties() -> None:
    assert header("F25:1 Ip A32:27 C422 XCOLORRANGE=FULL") == {"_SARNum": 32, "_SARDen": 27, "_Range": 1}
    assert header("F25:1 I? A0:0 C420p10 XCOLORRANGE=LIMITED") == {"_Range": 0}
    assert header("") == {"_ChromaLocation": vs.CHROMA_CENTER}
    assert header("XYSCSS=420MPEG2") == {"_ChromaLocation": vs.CHROMA_LEFT}
    assert header("C422 XYSCSS=444") == {}
    assert header("Cmono16") == {}


def test_the_range_of_the_caller_wins() -> None:
    parsed = parse_header(b"YUV4MPEG2 W48 H32 C444 XCOLORRANGE=LIMITED", range_="full")
    assert parsed.props["_Range"] == vs.RANGE_FULL
    assert parsed.resized(96, 64, (0, 0)).split()[-1] == b"XCOLORRANGE=FULL"


def test_every_other_field_is_carried_over() -> None:
    line = "YUV4MPEG2 W48 H32 F30000:1001 Ip A32:27 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL XAB"
    resized = parse_header(line.encode()).resized(96, 64, (32, 27)).decode()
    assert set(resized.split()) == set(line.replace("W48 H32", "W96 H64").split())
    assert resized.startswith("YUV4MPEG2 W96 H64 ")
    assert resized.endswith("\n")


def test_a_header_stays_short_enough_for_ffmpeg() -> None:
    line = b"YUV4MPEG2 W48 H32 F30000:1001 Ip A32:27 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL X" + b"c" * 90
    resized = parse_header(line).resized(15360, 8640, (32, 27))
    assert b" XCOLORRANGE=FULL" in resized
    assert b"Xccc" not in resized
    ffmpeg("-f", "yuv4mpegpipe", "-i", "-", "-f", "null", "-", stdin=resized)  # too long would fail
