import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import noise_clip, samples

KINDS = [
    (vs.YUV420P8, 32, 24),
    (vs.YUV420P8, 48, 24),
    (vs.YUV444P10, 32, 24),
    (vs.RGB24, 20, 20),
    (vs.GRAYS, 16, 16),
    (vs.GRAY8, 12, 40),
]


def varying_clip(**props: int) -> vs.VideoNode:
    clips = [noise_clip(*kind, length=2, **props) for kind in KINDS]
    return vs.core.std.Splice(clips, mismatch=True)


@pytest.mark.parametrize("order", [range(12), [11, 0, 7, 3, 9, 1, 5, 2, 10, 4, 8, 6, 0, 11]])
def test_every_frame_is_upscaled_as_in_a_clip_of_its_own_kind(order: list[int]) -> None:
    result = vs_espcn.upscale(varying_clip(), 2)
    assert result.num_frames == 12
    for n in order:
        frame = result.get_frame(n)
        video, width, height = KINDS[n // 2]
        alone = vs_espcn.upscale(noise_clip(video, width, height, length=2), 2)
        assert (frame.format.id, frame.width, frame.height) == (video, 2 * width, 2 * height)
        for index in range(frame.format.num_planes):
            assert np.array_equal(np.asarray(frame[index]), samples(alone, index, n % 2))


def test_each_frames_properties_are_its_own() -> None:
    clip = vs.core.std.Splice(
        [noise_clip(vs.GRAY8, 16, 16, _Range=1, A=1), noise_clip(vs.GRAY8, 24, 16, _Range=0, A=2)],
        mismatch=True,
    )
    result = vs_espcn.upscale(clip, 3)
    for n in range(2):
        assert dict(result.get_frame(n).props) == dict(clip.get_frame(n).props)


def test_what_cannot_be_upscaled_fails_at_its_frame() -> None:
    clip = vs.core.std.Splice(
        [noise_clip(vs.GRAY8, 16, 16), vs.core.std.SetFieldBased(noise_clip(vs.GRAY8, 24, 16), 1)],
        mismatch=True,
    )
    result = vs_espcn.upscale(clip)
    result.get_frame(0)
    with pytest.raises(vs.Error, match="vs_espcn: frame 1: the clip is interlaced"):
        result.get_frame(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": -1}, "scale is -1"),
        ({"network": "waifu"}, "network 'waifu' is not"),
        ({"tile": 3}, "tile is 3"),
    ],
)
def test_bad_arguments_fail_at_once(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=f"^vs_espcn: {message}"):
        vs_espcn.upscale(varying_clip(), **arguments)


def test_only_what_varies_is_left_open() -> None:
    sizes = vs.core.std.Splice([noise_clip(vs.YUV420P8, side, 24) for side in (32, 48)], mismatch=True)
    result = vs_espcn.upscale(sizes)
    assert (result.format.id, result.width) == (vs.YUV420P8, 0)
    assert vs_espcn.upscale(varying_clip()).format.color_family == vs.UNDEFINED


def test_frames_of_every_size_come_to_one_height() -> None:
    sizes = vs.core.std.Splice([noise_clip(vs.GRAY8, 24, side) for side in (20, 32)], mismatch=True)
    result = vs_espcn.upscale(sizes, height=64)
    assert [(frame.width, frame.height) for frame in result.frames()] == [(77, 64), (48, 64)]


def test_alpha_is_upscaled_too() -> None:
    def with_alpha(clip: vs.VideoNode) -> vs.VideoNode:
        return vs.core.std.ClipToProp(clip, noise_clip(vs.GRAY8, clip.width, clip.height), "_Alpha")

    opaque = noise_clip(vs.RGB24, 16, 16)
    clips = [opaque, with_alpha(noise_clip(vs.YUV420P8, 24, 16)), with_alpha(opaque)]
    result = vs_espcn.upscale(vs.core.std.Splice(clips, mismatch=True))
    for n, clip in enumerate(clips):
        frame, alone = result.get_frame(n), vs_espcn.upscale(clip).get_frame(0)
        assert ("_Alpha" in frame.props) == (n > 0)
        assert np.array_equal(np.asarray(frame[0]), np.asarray(alone[0]))
        if n:
            assert np.array_equal(np.asarray(frame.props["_Alpha"][0]), np.asarray(alone.props["_Alpha"][0]))


@pytest.mark.parametrize("order", [range(8), [7, 2, 5, 0, 6, 1, 4, 3]])
def test_siting_and_aspect_are_each_frames_own_in_any_order(order: list[int]) -> None:
    clips = [
        noise_clip(vs.YUV420P8, width, 24, _ChromaLocation=location, _SARNum=aspect, _SARDen=11)
        for width in (32, 48)
        for location in (0, 2)
        for aspect in (12, 16)
    ]
    result = vs_espcn.upscale(vs.core.std.Splice(clips, mismatch=True), width=96, height=96)
    for n in order:
        frame, alone = result.get_frame(n), vs_espcn.upscale(clips[n], width=96, height=96).get_frame(0)
        assert dict(frame.props) == dict(alone.props)
        for index in range(3):
            assert np.array_equal(np.asarray(frame[index]), np.asarray(alone[index]))
