"""Files of kinds that broke encodes: source and output compared as a viewer would."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import vapoursynth as vs

from tests.encode_support import FAST, double, upscale
from tests.encoding.made_files import CASES, Case
from tests.media import FFMPEG, ffmpeg
from tests.programs import SCRIPTS
from vs_espcn.encoding.pixel_format import encodable


@pytest.fixture
def file_check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The checker of scripts/dev."""
    monkeypatch.syspath_prepend(SCRIPTS / "dev")
    import file_check  # noqa: PLC0415 - lies among the scripts

    return sys.modules[file_check.__name__]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_an_output_is_what_its_source_was(case: Case, tmp_path: Path, file_check: ModuleType) -> None:
    source = tmp_path / case.name
    case.make(source)
    before = file_check.read(source, FFMPEG)
    for suffix in case.outputs:
        output = tmp_path / f"out{suffix}"
        notes = upscale(source, output, *FAST, "-crf", "12", *case.args, process=doubled)
        after = file_check.read(output, FFMPEG)
        found = file_check.differences(before, after, notes="\n".join(notes))
        assert [each for each in found if not each.startswith(tuple(case.excused))] == [], suffix
        check_row(case, before, after)
        if case.notes is not None:
            assert len(notes) == len(case.notes), notes
            assert all(words in note for words, note in zip(case.notes, notes, strict=True)), notes


def doubled(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip in a format that can be encoded, twice as large."""
    return double(vs.core.std.RemoveFrameProps(encodable(clip)[0], "_Alpha"))


def check_row(case: Case, before: "file_check.MediaFile", after: "file_check.MediaFile") -> None:
    """Check what the row says beyond the comparison."""
    picture = after.of_kind("Video")[0]
    if case.times is not None:
        shown = [float(time - after.origin) for time in after.shown]
        assert shown == pytest.approx(case.times, abs=0.0021)
    if case.sound is not None:
        begins = [float(sound.times[0] - after.origin) for sound in after.of_kind("Audio")]
        assert begins == pytest.approx(case.sound, abs=0.0021)
    if case.lasts is not None:
        assert float(after.lasts) == pytest.approx(case.lasts, abs=0.05)
    width, height = before.of_kind("Video")[0].size
    assert picture.size == (case.size or (2 * width, 2 * height))
    if case.aspect is not None:
        assert float(picture.aspect) == pytest.approx(case.aspect, rel=0.01)
    if case.streams is not None:
        assert [stream.codec for stream in after.streams] == list(case.streams)
    for kind, name, value in case.tags:
        tags = after.of_kind(kind.capitalize())[0].tags if kind else after.tags
        assert tags.get(name) == value, (kind, name)


def test_what_is_wrong_is_said(tmp_path: Path, file_check: ModuleType) -> None:
    """The checker itself, on an output that is wrong in every way."""
    source, other = tmp_path / "in.mkv", tmp_path / "out.mkv"
    case = next(case for case in CASES if case.name == "plain.mp4")
    case.make(source)
    ffmpeg(
        *("-i", source, "-itsoffset", "0.3", "-i", source, "-map", "0:v", "-map", "1:a", "-c:a", "copy"),
        *("-vf", "negate,setsar=2,setpts='PTS+gte(N,20)*0.3/TB'", "-fps_mode", "passthrough", other),
    )  # fmt: skip
    found = "; ".join(file_check.differences(file_check.read(source, FFMPEG), file_check.read(other, FFMPEG)))
    for words in (
        "is shown 0.3200 s off",
        "sound 0 begins +0.3",
        "shape is 2.667, not 1.333",
        "looks different",
    ):
        assert words in found
