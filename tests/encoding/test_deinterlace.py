"""Deinterlacing, beside the progressive clip that the fields were taken from."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
import vapoursynth as vs

from tests.media import ffmpeg, pattern, video
from vs_espcn.encoding import deinterlace as module
from vs_espcn.encoding.deinterlace import deinterlace
from vs_espcn.encoding.interlacing import check_progressive, is_interlaced
from vs_espcn.encoding.source import ClipSource, open_source
from vs_espcn.errors import InputError

FRAMES = 12


def fields_of(path: Path, *, top_first: bool) -> tuple[vs.VideoNode, ClipSource]:
    """A moving picture at 50 fps, and a file of its fields at 25."""
    smooth = path.with_name("smooth.mkv")
    ffmpeg(*pattern(2 * FRAMES, "128x96", 50), "-pix_fmt", "yuv420p", "-c:v", "ffv1", smooth)
    flags = ("-field_order", "tt" if top_first else "bb", "-c:v", "ffv1")
    ffmpeg("-i", smooth, "-vf", f"interlace=scan={'tff' if top_first else 'bff'}:lowpass=off", *flags, path)
    return open_source(smooth).clip, open_source(path)


def difference(a: vs.VideoNode, b: vs.VideoNode, frame: int) -> float:
    stats = vs.core.std.PlaneStats(a, b).get_frame(frame)
    return float(stats.props["PlaneStatsDiff"]) * 255


@pytest.mark.parametrize("top_first", [True, False])
def test_each_field_becomes_a_picture_of_its_time(tmp_path: Path, top_first: bool) -> None:
    smooth, source = fields_of(tmp_path / "fields.mkv", top_first=top_first)
    result = deinterlace(source, "field").clip
    assert (result.num_frames, result.fps) == (2 * FRAMES, 50)
    for number in range(4, 20):
        right = difference(result, smooth, number)
        assert right < difference(result[number] + result, smooth, number + 1), "in order"
        assert right < 4
    assert result.get_frame(5).props["_FieldBased"] == 0


def test_each_frame_becomes_a_picture(tmp_path: Path) -> None:
    smooth, source = fields_of(tmp_path / "fields.mkv", top_first=True)
    result = deinterlace(source, "frame").clip
    assert (result.num_frames, result.fps) == (FRAMES, 25)
    assert all(difference(result, smooth[::2], number) < 4 for number in range(2, 10))


def test_progressive_frames_stay_as_they_are(tmp_path: Path) -> None:
    _, source = fields_of(tmp_path / "fields.mkv", top_first=True)
    clip = source.clip[:6].std.SetFieldBased(0) + source.clip[6:]
    mixed = replace(source, clip=clip)
    for rate, each in (("frame", 1), ("field", 2)):
        result = deinterlace(mixed, rate).clip  # type: ignore[arg-type]
        assert difference(result, clip, 0) == 0
        assert difference(result[2 * each], clip[2], 0) == 0
        assert difference(result[8 * each], clip[8], 0) > 0


def test_fields_have_times_of_their_own(tmp_path: Path) -> None:
    _, source = fields_of(tmp_path / "fields.mkv", top_first=True)
    times = tuple(Fraction(number * number, 25) for number in range(FRAMES))
    source = replace(source, times=times, ends=times[-1] + 1)
    result = deinterlace(source, "field")
    assert result.times is not None
    assert len(result.times) == result.clip.num_frames
    assert result.times[:5] == tuple(Fraction(n, 50) for n in (0, 1, 2, 5, 8))
    assert result.times[-1] == times[-1] + Fraction(1, 2)
    assert deinterlace(source, "frame").times == times


def test_a_progressive_source_is_refused(tmp_path: Path) -> None:
    source = open_source(video(tmp_path / "film.mp4"))
    check_progressive(source, range(source.clip.num_frames))
    assert not is_interlaced(source)
    with pytest.raises(InputError, match=r"film\.mp4' is progressive; leave out --deinterlace"):
        deinterlace(source, "field")


def test_without_the_plugin_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source = fields_of(tmp_path / "fields.mkv", top_first=True)
    monkeypatch.setattr(module, "vs", SimpleNamespace(core=object()))
    with pytest.raises(InputError, match="plugin bwdif; install it with `pip install vapoursynth-bwdif`"):
        deinterlace(source, "field")


def test_an_interlaced_source_names_the_option(tmp_path: Path) -> None:
    _, source = fields_of(tmp_path / "fields.mkv", top_first=True)
    with pytest.raises(InputError, match="is interlaced; add --deinterlace field for a picture"):
        check_progressive(source, range(source.clip.num_frames))
