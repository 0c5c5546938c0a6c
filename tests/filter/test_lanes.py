import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import noise_clip, samples
from vs_espcn.errors import BackendError
from vs_espcn.filter.lanes import SlotChoice, upscale_in_lanes
from vs_espcn.runtime.engine import Plane


class Doubler:
    """A slot that repeats every sample, and fails on planes that begin with a given code."""

    def __init__(self, fails_on: int | None = None) -> None:
        self.fails_on = fails_on

    def upscale(self, source: Plane, target: Plane) -> None:
        if source[0, 0] == self.fails_on:
            raise BackendError("the device is gone")
        target[:] = source.repeat(2, axis=0).repeat(2, axis=1)


def choice(fails_on: int | None = None) -> SlotChoice:
    """Of one slot, whatever the frame."""
    slot = Doubler(fails_on)
    return lambda _: slot


def numbered(length: int) -> vs.VideoNode:
    """Every sample of frame n is n."""
    frames = [
        vs.core.std.BlankClip(width=16, height=8, format=vs.GRAY8, color=n, length=1) for n in range(length)
    ]
    return vs.core.std.Splice(frames)


@pytest.mark.parametrize("lanes", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [5, 6, 11])
def test_each_frame_goes_through_one_lane_and_comes_back_in_place(lanes: int, length: int) -> None:
    result = upscale_in_lanes(numbered(length), 2, [choice() for _ in range(lanes)])
    assert result.num_frames == length
    assert (result.width, result.height, result.format.id) == (32, 16, vs.GRAY8)
    assert [int(samples(result, frame=n)[3, 3]) for n in range(length)] == list(range(length))


def test_only_the_first_plane_is_used() -> None:
    clip = noise_clip(vs.YUV420P8, 20, 10)
    result = upscale_in_lanes(clip, 2, [choice()])
    assert np.array_equal(samples(result)[::2, ::2], samples(clip))


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_failing_device_fails_its_frame_by_number(lanes: int) -> None:
    result = upscale_in_lanes(numbered(6), 2, [choice(fails_on=3) for _ in range(lanes)])
    for n in (0, 1, 2, 4, 5):
        result.get_frame(n)
    with pytest.raises(vs.Error, match="vs_espcn: frame 3: the device is gone"):
        result.get_frame(3)
