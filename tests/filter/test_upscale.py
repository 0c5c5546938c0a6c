import logging
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

import vs_espcn
from tests.clips import clip_of, largest_difference, noise_clip, samples
from tests.hardware import needs_bf16
from vs_espcn.errors import RuntimeMissingError
from vs_espcn.filter import clip_upscaler, luma, vsmlrt
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import precision

FP32 = vs_espcn.OpenVINO(precision="fp32")

upscale = partial(vs_espcn.upscale, network="espcn")
"""By the network that `reference_luma` runs."""


def reference_luma(clip: vs.VideoNode, scale: int, *, full_range: bool = False, frame: int = 0) -> np.ndarray:
    network = registry.load_network(registry.find("espcn", scale).path)
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

    result = upscale(clip, scale, backend=FP32)

    assert (result.width, result.height) == (clip.width * scale, clip.height * scale)
    assert result.format.id == clip.format.id
    assert largest_difference(samples(result), reference_luma(clip, scale, full_range=full_range)) <= 1


def test_every_frame_in_any_order_and_all_at_once() -> None:
    clip = noise_clip(vs.GRAY8, 31, 17, length=23)
    expected = [reference_luma(clip, 2, frame=n) for n in range(23)]
    result = upscale(clip, 2, backend=FP32)

    assert result.num_frames == 23
    for n in random.Random(0).sample(range(23), 23):
        assert largest_difference(samples(result, frame=n), expected[n]) <= 1
    for n, frame in enumerate(upscale(clip, 2, backend=FP32).frames(prefetch=16, close=True)):
        assert largest_difference(np.asarray(frame[0]), expected[n]) <= 1


@pytest.mark.parametrize("length", [1, 2, 3])
def test_clips_shorter_than_the_lanes(length: int) -> None:
    clip = noise_clip(vs.YUV420P8, 16, 16, length=length)
    result = upscale(clip, 3, backend=vs_espcn.OpenVINO(lanes=8))
    assert sum(1 for _ in result.frames()) == length


def test_rate_and_properties_are_kept() -> None:
    props = {"_Matrix": 1, "_Transfer": 1, "_Primaries": 1, "_SARNum": 32, "_SARDen": 27, "_Range": 0}
    clip = noise_clip(vs.YUV420P8, 32, 32, length=5, _ChromaLocation=2, **props)
    clip = vs.core.std.AssumeFPS(clip, fpsnum=24000, fpsden=1001)
    clip = vs.core.std.SetFrameProps(clip, _PictType="I", MyNumbers=[1, 2, 3])

    result = upscale(clip, 2)

    assert result.fps == clip.fps
    for n in range(5):
        assert dict(result.get_frame(n).props) == dict(clip.get_frame(n).props)


def test_the_best_backend_is_chosen_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vs_espcn"):
        upscale(noise_clip(vs.GRAY8, 16, 16))
    assert any(record.message.startswith("using OpenVINO") for record in caplog.records)


def test_range_may_change_from_frame_to_frame() -> None:
    clip = noise_clip(vs.YUV420P8, 40, 30)
    limited, full = (vs.core.std.SetFrameProps(clip, _Range=value) for value in (0, 1))
    with pytest.warns(DeprecationWarning, match="_ColorRange"):
        old_full = vs.core.std.SetFrameProps(clip, _ColorRange=0)
    changing = vs.core.std.Splice([limited, full, old_full, clip])
    result = upscale(changing, 2, backend=FP32)
    for n, full_range in enumerate([False, True, True, False]):
        expected = reference_luma(clip, 2, full_range=full_range)
        assert largest_difference(samples(result, frame=n), expected) <= 1


@pytest.mark.parametrize("wrong", ["limited", "full"])
def test_the_range_argument_wins_over_the_properties(wrong: str) -> None:
    right = "full" if wrong == "limited" else "limited"
    clip = noise_clip(vs.GRAY8, 40, 30, _Range=int(wrong == "full"))
    result = upscale(clip, 2, range=right, backend=FP32)
    assert largest_difference(samples(result), reference_luma(clip, 2, full_range=right == "full")) <= 1
    assert dict(result.get_frame(0).props) == dict(clip.get_frame(0).props)


@pytest.mark.parametrize(("video", "unit"), [(vs.GRAY8, 1), (vs.GRAY10, 4), (vs.GRAY16, 256)])
@pytest.mark.parametrize("code", [6, 248])
def test_superblack_and_superwhite_survive(video: int, unit: int, code: int) -> None:
    clip = vs.core.std.BlankClip(width=32, height=32, format=video, length=1, color=code * unit)
    middle = samples(upscale(clip, 2))[24:40, 24:40] / unit
    assert np.abs(middle - code).max() < 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("video", [vs.GRAYS, vs.GRAYH])
def test_what_is_not_a_number_stays_in_its_neighbourhood(value: float, video: int) -> None:
    plane = np.full((33, 33), 0.5, np.float32 if video == vs.GRAYS else np.float16)
    plane[16, 16] = value
    result = samples(upscale(clip_of(plane, video), 3)).astype(np.float32)
    rows, columns = np.mgrid[:99, :99]
    outside = (np.abs(rows // 3 - 16) > 4) | (np.abs(columns // 3 - 16) > 4)
    assert np.isfinite(result[outside]).all()
    assert np.abs(result[outside][20:-20] - 0.5).max() < 0.02  # 0.004 was seen, the borders among it


def test_alpha_is_upscaled_too() -> None:
    clip, alpha = noise_clip(vs.YUV420P8, 40, 30, length=3), noise_clip(vs.GRAY8, 40, 30, length=3)
    result = upscale(vs.core.std.ClipToProp(clip, alpha, "_Alpha"), 2, backend=FP32)
    for n in range(3):
        plane = np.asarray(result.get_frame(n).props["_Alpha"][0])
        assert largest_difference(plane, reference_luma(alpha, 2, full_range=True, frame=n)) <= 1
    assert np.array_equal(samples(result), samples(upscale(clip, 2, backend=FP32)))


def with_alpha(clip: vs.VideoNode, video: int = vs.GRAY8, width: int = 16, height: int = 16) -> vs.VideoNode:
    return vs.core.std.ClipToProp(clip, noise_clip(video, width, height, clip.num_frames), "_Alpha")


def same_frames(frame: vs.VideoFrame, other: vs.VideoFrame) -> bool:
    """Whether two frames agree in samples and properties, alpha planes among these."""
    props, others = dict(frame.props), dict(other.props)
    alphas = [each for each in (props.pop("_Alpha", None), others.pop("_Alpha", None)) if each]
    planes = zip(frame, other, strict=True)
    return (
        props == others
        and len(alphas) != 1
        and (not alphas or same_frames(*alphas))
        and all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in planes)
    )


CHANGING = {
    "alpha comes and goes": [
        noise_clip(vs.YUV420P8, 16, 16),
        with_alpha(noise_clip(vs.YUV420P8, 16, 16)),
        noise_clip(vs.YUV420P8, 16, 16),
    ],
    "alpha goes": [with_alpha(noise_clip(vs.RGB24, 16, 16)), noise_clip(vs.RGB24, 16, 16)],
    "alpha of other sizes and depths": [
        with_alpha(noise_clip(vs.GRAY8, 16, 16), video, side, side)
        for video, side in ((vs.GRAY8, 16), (vs.GRAY8, 10), (vs.GRAY16, 16), (vs.GRAYS, 16))
    ],
    "siting": [noise_clip(vs.YUV420P8, 16, 16, _ChromaLocation=location) for location in (0, 1, 2, 5, 0)]
    + [noise_clip(vs.YUV420P8, 16, 16)],
    "aspect": [
        noise_clip(vs.YUV422P10, 16, 16, _SARNum=number, _SARDen=11) for number in (0, 12, 16, 12, 40)
    ],
    "range of RGB, with alpha": [
        with_alpha(noise_clip(vs.RGB24, 16, 16, _Range=value)) for value in (1, 0, 1)
    ]
    + [noise_clip(vs.RGB24, 16, 16, _Range=0)],
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("size", [{}, {"width": 48, "height": 32}], ids=["doubled", "stretched"])
@pytest.mark.parametrize("clips", CHANGING.values(), ids=CHANGING.keys())
def test_every_frame_is_upscaled_by_its_own_properties(
    clips: list[vs.VideoNode], size: dict[str, int], backwards: bool
) -> None:
    result = upscale(vs.core.std.Splice(clips), **size)
    for n in reversed(range(len(clips))) if backwards else range(len(clips)):
        assert same_frames(result.get_frame(n), upscale(clips[n], **size).get_frame(0))


def test_a_siting_that_is_none_fails_at_its_frame() -> None:
    clip = noise_clip(vs.YUV420P8, 16, 16)
    result = upscale(clip + vs.core.std.SetFrameProps(clip, _ChromaLocation=17) + clip)
    for n in (0, 2):
        result.get_frame(n)
    with pytest.raises(vs.Error, match="vs_espcn: frame 1: _ChromaLocation is 17; accepted are 0 to 5"):
        result.get_frame(1)


def test_siting_says_nothing_where_chroma_is_not_subsampled() -> None:
    clip = noise_clip(vs.YUV444P8, 16, 16)
    odd = vs.core.std.SetFrameProps(clip, _ChromaLocation=17)
    assert np.array_equal(samples(upscale(odd), 1), samples(upscale(clip), 1))


@pytest.mark.parametrize(
    ("alpha", "held"),
    [
        (1, "a int"),
        ("opaque", "a str"),
        ([1.0, 2.0], "a list"),
        (noise_clip(vs.YUV444P8, 16, 16), "YUV444P8"),
    ],
)
def test_an_alpha_that_is_no_plane_is_refused(alpha: object, held: str) -> None:
    clip = noise_clip(vs.YUV420P8, 16, 16)
    odd = (
        vs.core.std.ClipToProp(clip, alpha, "_Alpha")
        if isinstance(alpha, vs.VideoNode)
        else vs.core.std.SetFrameProps(clip, _Alpha=alpha)
    )
    with pytest.raises(vs.Error, match=f"^vs_espcn: _Alpha is {held}; it has to be a GRAY frame"):
        upscale(odd)
    with pytest.raises(vs.Error, match=f"vs_espcn: frame 1: _Alpha is {held}"):
        upscale(clip + odd).get_frame(1)


def test_stretching_keeps_the_pictures_shape() -> None:
    clip = noise_clip(vs.YUV420P8, 72, 48, _SARNum=8, _SARDen=9)
    props = upscale(clip, width=144, height=108).get_frame(0).props
    assert (props["_SARNum"], props["_SARDen"]) == (1, 1)
    props = upscale(clip, height=108).get_frame(0).props
    assert (props["_SARNum"], props["_SARDen"]) == (8, 9)


def test_sizes_between_the_networks_are_resized_from_above() -> None:
    clip = noise_clip(vs.YUV420P8, 40, 30)
    result = upscale(clip, height=76, backend=FP32)
    above = upscale(vs.core.std.ShufflePlanes(clip, 0, vs.GRAY), 3, backend=FP32)
    expected = samples(vs.core.resize.Spline36(above, width=result.width, height=76))
    assert (result.width, result.height) == (102, 76)
    assert np.array_equal(samples(result), expected)
    whole = vs.core.resize.Spline36(clip, width=102, height=76)
    for index in (1, 2):
        assert np.array_equal(samples(result, index), samples(whole, index))


def test_eight_is_two_and_then_four() -> None:
    clip = noise_clip(vs.GRAY8, 20, 16)
    twice = upscale(upscale(clip, 2, backend=FP32), 4, backend=FP32)
    assert np.array_equal(samples(upscale(clip, 8, backend=FP32)), samples(twice))


@pytest.mark.parametrize("video", [vs.GRAY8, vs.GRAY16, vs.GRAYS])
@pytest.mark.parametrize("arithmetic", ["fp32", pytest.param("bf16", marks=needs_bf16)])
def test_tiles_leave_no_seams(video: int, arithmetic: str) -> None:
    clip = noise_clip(video, 150, 90)
    backend = vs_espcn.OpenVINO(precision=arithmetic)
    whole = samples(upscale(clip, 2, backend=backend))
    tiled = samples(upscale(clip, 2, backend=backend, tile=(64, 32)))
    one_code = 1 if video != vs.GRAYS else 1e-5 if arithmetic == "fp32" else 5e-3
    assert largest_difference(tiled, whole) <= one_code
    assert (tiled != whole).mean() < 0.001 or video != vs.GRAY8


def test_what_would_not_fit_in_memory_is_refused() -> None:
    clip = vs.core.std.BlankClip(width=16384, height=16384, format=vs.GRAY16, length=1, keep=True)
    with pytest.raises(vs.Error, match=r"^vs_espcn: one upscaled frame of 262144x262144 takes 131072 MB"):
        upscale(clip, 16)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (5, 1), (3, 2), (2000, 1), (1, 700)])
def test_the_smallest_and_the_thinnest(width: int, height: int) -> None:
    clip = noise_clip(vs.GRAY8, width, height)
    assert largest_difference(samples(upscale(clip, 4, backend=FP32)), reference_luma(clip, 4)) <= 1


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
        ({"tile": 64}, r"tile is 64; give \(width, height\) in samples, or None for automatic"),
        ({"tile": (64.0, 64)}, r"tile is \(64.0, 64\); give"),
        ({"range": "tv"}, "range is 'tv'"),
        ({"range": ["full"]}, r"range is \['full'\]"),
        ({"matrix": 3}, "matrix is 3; accepted are 1"),
        ({"network": "waifu"}, "network 'waifu' is not shipped; choose one of espcn"),
        ({"network": Path("nowhere.onnx")}, "cannot read the network nowhere.onnx"),
        ({"chroma": "sinc"}, "chroma kernel 'sinc' is not known"),
        ({"backend": "openvino"}, r"backend is 'openvino'; give vs_espcn.TensorRT\(\)"),
        ({"backend": vs_espcn.OpenVINO(device="TOASTER")}, "OpenVINO has no device 'TOASTER'"),
    ],
)
def test_bad_arguments_fail_at_once(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=f"^vs_espcn: {message}"):
        upscale(noise_clip(vs.YUV420P8, 16, 16), **arguments)


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
        upscale(change(noise_clip(vs.YUV420P8, 16, 16)))


def test_what_is_not_a_clip_is_refused() -> None:
    with pytest.raises(vs.Error, match=r"^vs_espcn: clip is a str; give a VapourSynth video clip"):
        upscale("a clip")


HDR = {
    "_Matrix": 9,
    "_Transfer": 16,
    "_Primaries": 9,
    "_Range": 0,
    "_ChromaLocation": 2,
    "_SARNum": 1,
    "_SARDen": 1,
}
FORMATS = (
    vs.GRAY8,
    vs.GRAY16,
    vs.GRAYS,
    vs.YUV420P8,
    vs.YUV420P10,
    vs.YUV422P12,
    vs.YUV444P16,
    vs.YUV444PS,
    vs.RGB24,
    vs.RGB48,
    vs.RGBS,
)


@pytest.mark.parametrize("size", [(80, 80), (100, 100), (240, 240)], ids=["doubled", "resized", "twice"])
@pytest.mark.parametrize("video", FORMATS)
def test_properties_are_kept_at_every_size(video: vs.PresetVideoFormat, size: tuple[int, int]) -> None:
    clip = vs.core.std.SetFrameProps(
        noise_clip(video, 40, 40, length=2, **HDR), _PictType="B", Own=[1.5, 2.5]
    )
    result = upscale(clip, width=size[0], height=size[1])
    for n in range(2):
        assert dict(result.get_frame(n).props) == dict(clip.get_frame(n).props)


@pytest.mark.parametrize("through", ["openvino", "plugin"])
@pytest.mark.parametrize("video", [vs.GRAY8, vs.YUV420P8, vs.RGB24])
def test_one_interlaced_frame_fails_alone(
    video: vs.PresetVideoFormat, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if through == "plugin":
        if not vsmlrt.is_present():
            pytest.skip("vapoursynth-mlrt-ov is not installed")
        monkeypatch.setattr(luma, "open_engine", openvino_is_missing)
    clip = noise_clip(video, 16, 16)
    result = upscale(clip * 2 + vs.core.std.SetFieldBased(clip, 1) + clip)
    for n in (3, 1, 0):
        result.get_frame(n)
    with pytest.raises(vs.Error, match=r"vs_espcn: frame 2: the clip is interlaced \(_FieldBased is 1\)"):
        result.get_frame(2)


def openvino_is_missing(*_: object, **__: object) -> None:
    raise RuntimeMissingError("as in vspipe, whose plugin has loaded its own OpenVINO")


@pytest.mark.parametrize(
    ("video", "alpha", "depths"),
    [
        (vs.GRAY8, None, [8]),
        (vs.YUV420P10, None, [10]),
        (vs.YUV444P16, None, [16]),
        (vs.GRAYH, None, [None]),
        (vs.RGB24, None, [8]),
        (vs.RGB30, None, [10]),
        (vs.RGB48, None, [16]),
        (vs.RGBS, None, [None]),
        (vs.RGB24, vs.GRAY16, [8, 16]),
        (vs.YUV420P10, vs.GRAY8, [10, 8]),
    ],
)
def test_precision_is_by_the_depth_of_the_clip_and_of_its_alpha(
    video: int, alpha: int | None, depths: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that 16-bit RGB, whose YUV is float, is not computed in bf16."""
    seen = []

    def resolve(spec: registry.ModelSpec, backend: vs_espcn.OpenVINO, depth: int | None) -> object:
        seen.append(depth)
        return precision.resolve(spec, backend, depth)

    monkeypatch.setattr(clip_upscaler, "resolve", resolve)
    clip = noise_clip(video, 16, 16)
    upscale(clip if alpha is None else with_alpha(clip, alpha), backend=FP32)
    assert seen == depths
