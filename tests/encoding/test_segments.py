import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import vapoursynth as vs
from hypothesis import given
from hypothesis import strategies as st

from tests.encode_support import in_segments, planned
from tests.media import H264, codecs, decode, ffmetadata, ffmpeg, packets, pattern, raw_planes, tone
from vs_espcn.encoding import segments as segments_module
from vs_espcn.encoding.encode import encode
from vs_espcn.encoding.encode_plan import EncodePlan, plan_encode
from vs_espcn.encoding.output_target import check_output
from vs_espcn.encoding.segment_folder import segment_path, segments_folder
from vs_espcn.encoding.segments import (
    commands,
    encode_in_segments,
    encode_segment,
    join_segments,
    split_frames,
)
from vs_espcn.encoding.source import open_source
from vs_espcn.errors import EncodeError, InputError
from vs_espcn.streaming import y4m_writer
from vs_espcn.streaming.frame_output import write_all

FFV1 = ("-c:v", "ffv1")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3")


class KilledError(BaseException):
    pass


def frame_hashes(path: Path) -> bytes:
    return ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")


def timed(path: Path) -> dict[int, list[tuple[float, str]]]:
    """Packets with what is copied compared as bytes; video is only compared by its times."""
    found = packets(path)
    video = sorted((float(time), "") for time, _ in found.pop(0))
    return {0: video} | {number: [(float(t), data) for t, data in row] for number, row in found.items()}


@given(frames=st.integers(1, 10_000), length=st.integers(1, 2000))
def test_segments_are_all_frames_in_order(frames: int, length: int) -> None:
    segments = split_frames(frames, length)
    assert [frame for segment in segments for frame in segment] == list(range(frames))
    assert all(len(segment) == length for segment in segments[:-1])


@pytest.mark.parametrize(
    ("suffix", "args"),
    [(".mkv", FFV1), (".mov", FFV1), (".mp4", X264), (".mkv", X264), (".ts", X264), (".webm", ())],
)
def test_the_file_is_that_of_one_piece(
    film: Path, tmp_path: Path, suffix: str, args: tuple[str, ...]
) -> None:
    """The same times, sound, tags; and with a lossless encoder the same frames."""
    whole, joined = tmp_path / f"whole{suffix}", tmp_path / f"joined{suffix}"
    encode(planned(film, whole, *args))
    in_segments(planned(film, joined, *args))
    assert codecs(joined) == codecs(whole)
    if args == FFV1:
        assert frame_hashes(joined) == frame_hashes(whole)
        assert raw_planes(decode(joined)) == raw_planes(decode(whole))
    expected, got = timed(whole), timed(joined)
    assert got.keys() == expected.keys()
    for number, row in expected.items():
        assert [data for _, data in got[number]] == [data for _, data in row]
        times = [time for time, _ in got[number]]
        assert times == pytest.approx([time for time, _ in row], abs=0.0011)
    if suffix != ".ts":
        assert "title=One" in ffmetadata(joined)
        assert "title=Film" in ffmetadata(joined)
    assert sorted(tmp_path.iterdir()) == sorted([whole, joined])


def test_every_frame_keeps_its_own_time(tmp_path: Path) -> None:
    film = tmp_path / "in.mkv"
    uneven = "setpts='(0.7+if(lt(N,15),N*0.04,0.6+(N-15)*0.06+0.01*mod(N,3)))/TB'"
    ffmpeg(
        *pattern(30), *tone(2), *H264, "-bf", "0", "-c:a", "flac", "-vf", uneven,
        *("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000", film),
    )  # fmt: skip
    for suffix, args in ((".mp4", X264), (".mkv", FFV1)):
        whole, joined = tmp_path / f"whole{suffix}", tmp_path / f"joined{suffix}"
        encode(planned(film, whole, *args))
        in_segments(planned(film, joined, *args), length=7)
        assert open_source(film).times
        for number, row in timed(whole).items():
            times = [time for time, _ in timed(joined)[number]]
            assert times == pytest.approx([time for time, _ in row], abs=0.0011)


COLOURS = {"_Matrix": 9, "_Transfer": 18, "_Primaries": 9, "_Range": 0, "_ChromaLocation": 2}


@pytest.mark.parametrize(("suffix", "args"), [(".mkv", FFV1), (".mp4", X264), (".mkv", X264)])
def test_tags_are_kept(tmp_path: Path, suffix: str, args: tuple[str, ...]) -> None:
    plain, film, output = tmp_path / "plain.mp4", tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    ffmpeg(*pattern(6), *H264, plain)
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", film)
    destination = check_output(film, output)
    source = open_source(film, turn_upright=not destination.keeps_rotation)
    clip = vs.core.std.SetFrameProps(source.clip, **COLOURS, _SARNum=32, _SARDen=27)
    in_segments(plan_encode(clip, destination, source, ffmpeg_args=args), length=4)
    written = decode(output).get_frame(5).props
    expected = COLOURS | ({"_SARNum": 32, "_SARDen": 27} if destination.keeps_rotation else {})
    assert {name: written.get(name) for name in expected} == expected
    assert decode(output, upright=True).width == 48


def test_a_part_of_a_film_in_segments(film: Path, tmp_path: Path) -> None:
    whole, joined = tmp_path / "whole.mkv", tmp_path / "joined.mkv"
    encode(planned(film, whole, *FFV1, frames=range(11, 39)))
    in_segments(planned(film, joined, *FFV1, frames=range(11, 39)), length=10)
    assert frame_hashes(joined) == frame_hashes(whole)
    assert [data for _, data in packets(joined)[1]] == [data for _, data in packets(whole)[1]]


def test_filters_of_the_user_work_once(film: Path, tmp_path: Path) -> None:
    whole, joined = tmp_path / "whole.mkv", tmp_path / "joined.mkv"
    args = (*FFV1, "-vf", "hflip", "-c:a:1", "pcm_s16le", "-metadata", "comment=mine")
    encode(planned(film, whole, *args))
    in_segments(planned(film, joined, *args))
    assert frame_hashes(joined) == frame_hashes(whole)
    assert codecs(joined) == ["ffv1", "aac", "pcm_s16le"]
    assert "comment=mine" in ffmetadata(joined).lower()


@pytest.mark.parametrize("stop", [3, 20, 27, 49])
def test_a_broken_run_goes_on_after_its_last_segment(film: Path, tmp_path: Path, stop: int) -> None:
    unbroken, output = tmp_path / "unbroken.mp4", tmp_path / "out.mp4"
    in_segments(planned(film, unbroken, *X264))

    def interrupt(number: int) -> None:
        if number == stop:
            raise KilledError

    with pytest.raises(KilledError):
        encode_in_segments(planned(film, output, *X264), settings={}, length=20, on_frame=interrupt)
    assert not output.exists()
    finished: list[int] = []
    made: list[int] = []
    encode_in_segments(
        planned(film, output, *X264), settings={}, length=20, on_done=finished.append, on_frame=made.append
    )
    assert finished == [(stop - 1) // 20 * 20]
    assert made == list(range(finished[0] + 1, 51))
    assert frame_hashes(output) == frame_hashes(unbroken)
    assert packets(output) == packets(unbroken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "unbroken.mp4"]


Change = tuple[str, Callable[[EncodePlan, Path], tuple[EncodePlan, dict[str, Any]]]]


def changed(**fields: Any) -> Callable[[EncodePlan, Path], tuple[EncodePlan, dict[str, Any]]]:
    """The same plan but for some fields, or the same run but for its settings or length."""
    run = {name: fields.pop(name) for name in ("settings", "length") if name in fields}
    return lambda encode_plan, _: (replace(encode_plan, **fields), run)


def with_another_clip(change: Callable[[vs.VideoNode], vs.VideoNode]) -> Any:
    return lambda encode_plan, _: (replace(encode_plan, clip=change(encode_plan.clip)), {})


def with_another_ffmpeg(encode_plan: EncodePlan, _: Path) -> tuple[EncodePlan, dict[str, Any]]:
    target = encode_plan.destination
    newer = replace(target, ffmpeg=replace(target.ffmpeg, version=(99, 0)))
    return replace(encode_plan, destination=newer), {}


def with_another_part(**times: Fraction) -> Any:
    return lambda encode_plan, _: (replace(encode_plan, source=replace(encode_plan.source, **times)), {})


def with_a_longer_film(encode_plan: EncodePlan, film: Path) -> tuple[EncodePlan, dict[str, Any]]:
    times = film.stat()
    with film.open("ab") as file:
        file.write(b"\0")
    os.utime(film, ns=(times.st_atime_ns, times.st_mtime_ns))
    return encode_plan, {}


def with_a_newer_film(encode_plan: EncodePlan, film: Path) -> tuple[EncodePlan, dict[str, Any]]:
    os.utime(film, (1, 1))
    return encode_plan, {}


CHANGES: dict[str, Change] = {
    "of another size": ("source", with_a_longer_film),
    "of another time": ("source", with_a_newer_film),
    "begins later": ("part", with_another_part(begin=Fraction(1, 5))),
    "ends earlier": ("part", with_another_part(end=Fraction(1))),
    "ffmpeg": ("ffmpeg", with_another_ffmpeg),
    "format": ("clip", with_another_clip(lambda clip: clip.resize.Point(format=vs.YUV420P10))),
    "width": ("clip", with_another_clip(lambda clip: clip.std.Crop(right=2))),
    "height": ("clip", with_another_clip(lambda clip: clip.std.Crop(top=2))),
    "frames": ("clip", with_another_clip(lambda clip: clip[:-1])),
    "rate": ("rate", with_another_clip(lambda clip: clip.std.AssumeFPS(fpsnum=24))),
    "length": ("segment", changed(length=10)),
    "encoder": ("encoder", changed(video=("-c:v", "ffv1", "-g", "1"))),
    "options": ("encoder", changed(user=("-g", "1"))),
    "settings": ("settings", changed(settings={"network": "b"})),
    "version": ("version", lambda encode_plan, _: (encode_plan, {})),
}
"""What differs from the run before: the field of the description that says it, and the change."""


def described_by(folder: Path) -> set[str]:
    description: dict[str, dict[str, Any]] = json.loads((folder / "segments.json").read_text())
    return set(description["vs-espcn"])


@pytest.mark.parametrize("change", CHANGES)
def test_segments_of_another_encode_are_refused(
    film: Path, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One change at a time; each makes another encode."""
    mine, output = tmp_path / "in.mp4", tmp_path / "out.mkv"
    mine.write_bytes(film.read_bytes())
    encode_plan = planned(mine, output, *FFV1)
    run: dict[str, Any] = {"settings": {"network": "a"}, "length": 20}

    def enough(*_: object) -> Any:
        raise KilledError

    def with_one_segment(folder: Path, missing: Sequence[range]) -> Any:
        segment_path(folder, missing[0]).touch()
        raise KilledError

    with pytest.raises(KilledError):
        encode_in_segments(encode_plan, **run, elsewhere=with_one_segment)
    before = sorted(segments_folder(output).iterdir())
    with pytest.raises(KilledError):
        encode_in_segments(encode_plan, **run, elsewhere=enough)

    assert described_by(segments_folder(output)) == {field for field, _ in CHANGES.values()}
    if change == "version":
        monkeypatch.setattr(segments_module, "__version__", "0")
    other, differences = CHANGES[change][1](encode_plan, mine)
    with pytest.raises(InputError, match="made from another file or with other options"):
        encode_in_segments(other, **run | differences, elsewhere=enough)
    assert sorted(segments_folder(output).iterdir()) == before


def test_an_encoder_that_fails_leaves_nothing(film: Path, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="Unknown encoder 'nonsense'"):
        in_segments(planned(film, tmp_path / "out.mkv", "-c:v", "nonsense"))
    assert list(tmp_path.iterdir()) == []


def test_a_segment_can_be_made_on_its_own(film: Path, tmp_path: Path) -> None:
    encode_plan = planned(film, tmp_path / "out.mkv", *FFV1)
    encode_segment(encode_plan, range(20, 31), tmp_path / "segment.mov")
    assert raw_planes(decode(tmp_path / "segment.mov")) == raw_planes(encode_plan.clip[20:31])
    assert codecs(tmp_path / "segment.mov") == ["ffv1"]


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_nothing_that_looks_whole_and_is_taken_up(tmp_path: Path) -> None:
    """kill -9 of the process itself, at moments of chance; the joined frames are those of one piece."""
    film, output, whole = tmp_path / "in.mkv", tmp_path / "out" / "a b.mkv", tmp_path / "whole.mkv"
    output.parent.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=6", *tone(6), *H264, "-c:a", "aac", film)
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time, pathlib\n"
        "import openvino\n"
        "from tests.encoding.test_segments import FFV1, planned, encode_in_segments\n"
        "encode_plan = planned(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *FFV1)\n"
        "print('go', flush=True)\n"
        "encode_in_segments(encode_plan, settings={}, length=40, on_frame=lambda n: time.sleep(0.002))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    chance = random.Random(6)
    for _ in range(2):
        run = subprocess.Popen(
            [sys.executable, script, film, output], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert run.stdout
        assert run.stdout.readline() == "go\n"
        time.sleep(chance.uniform(0.05, 0.8))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        if output.exists():
            break
    encode(planned(film, whole, *FFV1))
    if not output.exists():
        assert {path.name.startswith((".", "a b.mkv.segments")) for path in output.parent.iterdir()} <= {True}
        encode_in_segments(planned(film, output, *FFV1), settings={}, length=40)
    assert list(output.parent.iterdir()) == [output]
    assert frame_hashes(output) == frame_hashes(whole)
    assert packets(output)[1] == packets(whole)[1]


@pytest.mark.parametrize(
    "name", ["-dash.mkv", 'it\'s "so".mkv', "a:b.mkv", "100%d.mp4", "new\nline.mkv", "né 日本.mp4", "#?&.mkv"]
)
def test_any_name_can_be_written(film: Path, tmp_path: Path, name: str) -> None:
    in_segments(planned(film, tmp_path / name, *X264))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert decode(tmp_path / name).num_frames == 50


def test_the_commands_are_those_that_are_run(film: Path, tmp_path: Path) -> None:
    """Run by hand, they make the same file."""
    run, by_hand = tmp_path / "run.mkv", tmp_path / "hand.mkv"
    in_segments(planned(film, run, *FFV1))
    encode_plan = planned(film, by_hand, *FFV1)
    folder = segments_folder(by_hand)
    folder.mkdir()
    segments = split_frames(50, 20)
    for segment, line in zip(segments, commands(encode_plan, 20), strict=False):
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin
            for buffers in y4m_writer.frame_buffers(encode_plan.clip[segment.start : segment.stop]):
                write_all(process.stdin.fileno(), buffers)
        assert process.returncode == 0
    join_segments(encode_plan, folder, segments, by_hand)
    assert commands(encode_plan, 20)[-1][-1] == f"file:{by_hand}"
    assert frame_hashes(by_hand) == frame_hashes(run)
    assert packets(by_hand) == packets(run)


def test_a_second_run_is_refused(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    both = [planned(film, output, *FFV1) for _ in range(2)]

    def another(number: int) -> None:
        if number == 30:
            with pytest.raises(InputError, match="is being written by another run"):
                in_segments(both[1])
            with pytest.raises(InputError, match="is being written by another run"):
                encode(both[1])

    encode_in_segments(both[0], settings={}, length=20, on_frame=another)
    assert decode(output).num_frames == 50
