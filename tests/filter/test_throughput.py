import hashlib
from pathlib import Path
from typing import Any

import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import noise_clip
from vs_espcn.cache_folder import cache_dir
from vs_espcn.filter import throughput
from vs_espcn.filter.target_size import UpscaleSteps, steps_to


@pytest.mark.parametrize("millisecond_per_frame", [0.001, 0.02, 0.4])
def test_the_rate_is_frames_by_time(millisecond_per_frame: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on with the frames alone."""
    made = 0

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # noqa: ARG001
        nonlocal made
        made += 1
        return f

    source = throughput.endless_clip(noise_clip(vs.GRAY8, 16, 16))
    clip = vs.core.std.ModifyFrame(source, source, count)
    monkeypatch.setattr("time.perf_counter", lambda: made * millisecond_per_frame)
    assert throughput.frame_rate(clip) == pytest.approx(1 / millisecond_per_frame, rel=0.2)


def test_an_endless_clip_looks_like_the_clip() -> None:
    clip = noise_clip(vs.YUV420P10, 32, 16, 3, _Range=1, _ChromaLocation=2)
    endless = throughput.endless_clip(clip)
    assert (endless.width, endless.height, endless.format.id) == (32, 16, vs.YUV420P10)
    assert endless.num_frames > 1_000_000
    for number in (0, 500_000):
        props = endless.get_frame(number).props
        assert (props["_Range"], props["_ChromaLocation"]) == (1, 2)


def test_a_figure_is_measured_once() -> None:
    figures = iter([5.0, 7.0])
    assert throughput.remembered(("this", 1), lambda: next(figures)) == 5
    assert throughput.remembered(("this", 1), lambda: next(figures)) == 5
    assert throughput.remembered(("that", 1), lambda: next(figures)) == 7


def test_what_it_costs_to_begin_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of the first batch take a minute each, those after it half a second."""
    made = 0

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # noqa: ARG001
        nonlocal made
        made += 1
        return f

    def clock() -> float:
        early = min(made, vs.core.num_threads)
        return 60.0 * early + 0.5 * (made - early)

    source = throughput.endless_clip(noise_clip(vs.GRAY8, 16, 16))
    clip = vs.core.std.ModifyFrame(source, source, count)
    monkeypatch.setattr("time.perf_counter", clock)
    assert throughput.frame_rate(clip) == pytest.approx(2)


def test_no_frame_is_measured_twice() -> None:
    """A frame that was made before comes from VapourSynth's cache, in no time."""
    asked: list[int] = []

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    source = throughput.endless_clip(noise_clip(vs.GRAY8, 16, 16))
    throughput.frame_rate(vs.core.std.ModifyFrame(source, source, note))
    assert len(asked) > vs.core.num_threads
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("content", ["torn {", "[]", '{"KEY": "12"}'])
def test_a_damaged_file_is_written_anew(content: str) -> None:
    key = hashlib.sha256(repr("this").encode()).hexdigest()[:32]
    (cache_dir() / "speeds.json").write_text(content.replace("KEY", key))
    assert throughput.remembered("this", lambda: 3.0) == 3
    assert throughput.remembered("this", lambda: 4.0) == 3


def test_a_file_that_every_user_can_write_is_not_believed() -> None:
    pytest.importorskip("pwd", reason="Windows has no such mode")
    assert throughput.remembered("this", lambda: 3.0) == 3
    (cache_dir() / "speeds.json").chmod(0o666)
    assert throughput.remembered("this", lambda: 4.0) == 4
    assert throughput.remembered("this", lambda: 5.0) == 4


def test_without_a_place_to_keep_it_it_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path / "file"))
    figures = iter([5.0, 7.0])
    assert [throughput.remembered("this", lambda: next(figures)) for _ in range(2)] == [5, 7]


def test_speeds_are_kept_apart_by_all_that_they_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One change at a time; each makes another key."""
    clip = noise_clip(vs.YUV420P8, 32, 24)
    steps = steps_to(clip, "espcn", 2, None, None)
    fp32 = vs_espcn.OpenVINO(precision="fp32")

    def key(clip: vs.VideoNode = clip, steps: UpscaleSteps = steps, **changed: Any) -> str:
        options = {"backend": fp32, "chroma": "spline36", "tile": None} | changed
        return repr(throughput.conditions(clip, steps, options.pop("backend"), **options))

    def of(clip: vs.VideoNode, **size: Any) -> str:
        return key(clip, steps_to(clip, size.pop("network", "espcn"), size.pop("scale", 2), **size_of(size)))

    def size_of(size: dict[str, int]) -> dict[str, int | None]:
        return {"width": size.get("width"), "height": size.get("height")}

    keys = [
        key(),
        of(noise_clip(vs.YUV420P10, 32, 24)),
        of(noise_clip(vs.YUV444P8, 32, 24)),
        of(noise_clip(vs.YUV420P8, 34, 24), width=64, height=48),
        of(noise_clip(vs.YUV420P8, 32, 22), width=64, height=48),
        of(clip, scale=3),
        of(clip, width=60, height=48),
        of(clip, width=64, height=46),
        of(clip, scale=8),
        of(clip, network="subpixel-s"),
        key(backend=vs_espcn.OpenVINO(precision="bf16")),
        key(backend=vs_espcn.OpenVINO(precision="fp32", lanes=7)),
        key(chroma="lanczos"),
        key(tile=(16, 16)),
    ]
    monkeypatch.setattr(throughput, "processor", lambda: "another processor")
    keys.append(key())
    monkeypatch.setattr(throughput, "package_versions", lambda: {"openvino": "0"})
    keys.append(key())
    assert len(set(keys)) == len(keys)
    assert key() == key()
