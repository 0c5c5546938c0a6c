import hashlib
from pathlib import Path

import pytest
import vapoursynth as vs

from tests.clips import noise_clip
from vs_espcn.cache_folder import cache_dir
from vs_espcn.filter import throughput


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


@pytest.mark.parametrize("content", ["torn {", "[]", '{"KEY": "12"}'])
def test_a_damaged_file_is_written_anew(content: str) -> None:
    key = hashlib.sha256(repr("this").encode()).hexdigest()[:32]
    (cache_dir() / "speeds.json").write_text(content.replace("KEY", key))
    assert throughput.remembered("this", lambda: 3.0) == 3
    assert throughput.remembered("this", lambda: 4.0) == 3


def test_without_a_place_to_keep_it_it_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path / "file"))
    figures = iter([5.0, 7.0])
    assert [throughput.remembered("this", lambda: next(figures)) for _ in range(2)] == [5, 7]
