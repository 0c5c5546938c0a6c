import logging
import random
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

import vs_espcn
from tests.clips import largest_difference, noise_clip, samples
from vs_espcn import graph, models

FP32 = vs_espcn.OpenVINO(precision="fp32")


def reference_luma(clip: vs.VideoNode, scale: int, *, full_range: bool = False, frame: int = 0) -> np.ndarray:
    network = models.load_network(models.find("espcn", scale).path)
    model = graph.build_graph(
        network, graph.UINT8, full_range=full_range, width=clip.width, height=clip.height
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {graph.FRAME_NAME: samples(clip, 0, frame)[None, None]})[0][0, 0]


@settings(deadline=None, max_examples=25)
@given(
    video=st.sampled_from([vs.GRAY8, vs.YUV420P8, vs.YUV422P8, vs.YUV444P8]),
    scale=st.sampled_from([2, 3, 4]),
    half_width=st.integers(2, 70),
    half_height=st.integers(2, 40),
    full_range=st.booleans(),
    odd=st.booleans(),
)
def test_luma_equals_onnxruntimes(
    video: vs.PresetVideoFormat, scale: int, half_width: int, half_height: int, full_range: bool, odd: bool
) -> None:
    subsampled = video in {vs.YUV420P8, vs.YUV422P8}
    extra = int(odd and not subsampled)
    clip = noise_clip(video, 2 * half_width + extra, 2 * half_height + extra, _Range=full_range)

    result = vs_espcn.upscale(clip, scale, backend=FP32)

    assert (result.width, result.height) == (clip.width * scale, clip.height * scale)
    assert result.format.id == clip.format.id
    assert largest_difference(samples(result), reference_luma(clip, scale, full_range=full_range)) <= 1


def test_every_frame_in_any_order_and_all_at_once() -> None:
    clip = noise_clip(vs.GRAY8, 31, 17, length=23)
    expected = [reference_luma(clip, 2, frame=n) for n in range(23)]
    result = vs_espcn.upscale(clip, 2, backend=FP32)

    assert result.num_frames == 23
    for n in random.Random(0).sample(range(23), 23):
        assert largest_difference(samples(result, frame=n), expected[n]) <= 1
    for n, frame in enumerate(vs_espcn.upscale(clip, 2, backend=FP32).frames(prefetch=16, close=True)):
        assert largest_difference(np.asarray(frame[0]), expected[n]) <= 1


@pytest.mark.parametrize("length", [1, 2, 3])
def test_clips_shorter_than_the_lanes(length: int) -> None:
    clip = noise_clip(vs.YUV420P8, 16, 16, length=length)
    result = vs_espcn.upscale(clip, 3, backend=vs_espcn.OpenVINO(lanes=8))
    assert sum(1 for _ in result.frames()) == length


def test_rate_and_properties_are_kept() -> None:
    props = {"_Matrix": 1, "_Transfer": 1, "_Primaries": 1, "_SARNum": 32, "_SARDen": 27, "_Range": 0}
    clip = noise_clip(vs.YUV420P8, 32, 32, length=5, _ChromaLocation=2, **props)
    clip = vs.core.std.AssumeFPS(clip, fpsnum=24000, fpsden=1001)
    clip = vs.core.std.SetFrameProps(clip, _PictType="I", MyNumbers=[1, 2, 3])

    result = vs_espcn.upscale(clip, 2)

    assert result.fps == clip.fps
    for n in range(5):
        assert dict(result.get_frame(n).props) == dict(clip.get_frame(n).props)


def test_the_best_backend_is_chosen_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vs_espcn"):
        vs_espcn.upscale(noise_clip(vs.GRAY8, 16, 16))
    assert any(record.message.startswith("using OpenVINO") for record in caplog.records)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"scale": 17},
            "scale 17 is out of reach: espcn has networks for 2, 3, 4, which reach 16 in 2 steps",
        ),
        ({"scale": "2"}, "scale is '2'; give a number of at least 1"),
        ({"scale": 0}, "scale is 0; give a number of at least 1"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"width": 8}, "8x8 is smaller than the clip's 16x16; this filter only upscales"),
        ({"height": -2}, "height is -2; give a whole number of at least 1"),
        ({"width": 33, "height": 32}, "33x32 does not fit YUV420P8"),
        ({"tile": (4, 4)}, "tile is 4x4; tiles overlap by 4 samples"),
        ({"range": "tv"}, "range is 'tv'"),
        ({"network": "waifu"}, "network 'waifu' is not shipped; choose one of espcn"),
        ({"chroma": "sinc"}, "chroma kernel 'sinc' is not known"),
        ({"backend": vs_espcn.OpenVINO(device="TOASTER")}, "OpenVINO has no device 'TOASTER'"),
    ],
)
def test_bad_arguments_fail_at_once(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=f"^vs_espcn: {message}"):
        vs_espcn.upscale(noise_clip(vs.YUV420P8, 16, 16), **arguments)


def varying(clip: vs.VideoNode) -> vs.VideoNode:
    return vs.core.std.Splice([clip, vs.core.std.Crop(clip, right=4)], mismatch=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clip: vs.core.std.SetFieldBased(clip, 2), "the clip is interlaced .*deinterlace it first"),
        (lambda clip: vs.core.std.SetFieldBased(clip, 1), "the clip is interlaced"),
        (lambda clip: vs.core.std.SetFrameProps(clip, _ChromaLocation=17), "_ChromaLocation is 17"),
    ],
)
def test_bad_clips_fail_at_once_with_the_fix(
    change: Callable[[vs.VideoNode], vs.VideoNode], message: str
) -> None:
    with pytest.raises(vs.Error, match=f"^vs_espcn: {message}"):
        vs_espcn.upscale(change(noise_clip(vs.YUV420P8, 16, 16)))


def test_what_is_not_a_clip_is_refused() -> None:
    with pytest.raises(vs.Error, match=r"^vs_espcn: clip is a str; give a VapourSynth video clip"):
        vs_espcn.upscale("a clip")
