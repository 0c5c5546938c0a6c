from fractions import Fraction
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from tests.media import decode, ffmpeg, packets, raw_planes
from vs_espcn.errors import InputError
from vs_espcn.streaming import matroska_writer

TIMES = [Fraction(0), Fraction(1, 30), Fraction(1, 10), Fraction(123457, 1_000_000), Fraction(3661)]
LAST = Fraction(5, 2)


def written(clip: vs.VideoNode, times: list[Fraction]) -> bytes:
    end = times[-1] + LAST
    parts = [b"".join(buffers) for buffers in matroska_writer.frame_buffers(clip, times, end)]
    assert len(parts) == clip.num_frames
    return b"".join(parts)


@pytest.mark.parametrize(
    "video",
    [
        *(vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.YUV420P8, vs.YUV422P8, vs.YUV444P8),
        *(vs.YUV420P9, vs.YUV420P10, vs.YUV422P10, vs.YUV444P10, vs.YUV420P12, vs.YUV422P14, vs.YUV444P16),
    ],
)
def test_ffmpeg_reads_every_sample_and_time(tmp_path: Path, video: int) -> None:
    clip = noise_clip(video, 50, 22, length=5, _SARNum=16, _SARDen=11)
    path = tmp_path / "clip.mkv"
    path.write_bytes(written(clip, TIMES))
    copy = tmp_path / "copy.nut"
    ffmpeg("-copyts", "-i", path, "-c", "copy", copy)

    decoded = decode(copy)
    assert decoded.format.id == video
    assert raw_planes(decoded) == raw_planes(clip)
    props = decoded.get_frame(0).props
    assert (props["_SARNum"], props["_SARDen"]) == (16, 11)
    assert [time for time, _ in packets(path)[0]] == [round(time, 6) for time in TIMES]
    rows = ffmpeg("-i", path, "-c", "copy", "-f", "framecrc", "-").decode().splitlines()
    assert int(rows[-1].split(",")[3]) == LAST * 1_000_000


@pytest.mark.parametrize("video", [vs.YUV444PS, vs.RGB24, vs.YUV410P8])
def test_other_formats_are_refused(video: int) -> None:
    with pytest.raises(InputError, match=r"cannot be written as raw video; convert it to GRAY or"):
        matroska_writer.header(noise_clip(video, 16, 16), {})
